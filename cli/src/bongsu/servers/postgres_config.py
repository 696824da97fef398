"""What does the embedded PostgreSQL's configuration say, and who may log in? Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bongsu.servers.ports import HOST
from common.database import SHARES

DATABASE = "bongsu"
ADMIN = "bongsu_admin"
ADMIN_CONNECTIONS = 4
SERVICE_ROLES = {f"bongsu_{service}": share.max for service, share in SHARES.items()}
ROLES = (ADMIN, *SERVICE_ROLES)

_EVERY_ROLE = {
    "default_transaction_isolation": "read committed",
    "idle_in_transaction_session_timeout": "30s",
}
_SERVICE_ROLE = {
    "lock_timeout": "2s",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "10s",
}


def bootstrap_statements(*, roles: Collection[str] = (), has_database: bool = False) -> list[str]:
    """Return the SQL, for a superuser, that makes Bongsu's roles and database, but for those that are there.

    Args:
        roles: Which of them there are already.
    """
    return [
        *(f"CREATE ROLE {role} LOGIN" for role in ROLES if role not in roles),
        f"ALTER ROLE {ADMIN} CREATEDB",
        f"GRANT pg_signal_backend TO {ADMIN}",
        f"ALTER DATABASE {DATABASE} OWNER TO {ADMIN}"
        if has_database
        else f"CREATE DATABASE {DATABASE} OWNER {ADMIN}",
        # Only the superuser, who does no work here, has business in the other databases.
        "REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC",
    ]


def role_statements(passwords: Mapping[str, str], *, admin_connections: int) -> list[str]:
    """Return the SQL that gives every role its password, connection limit and settings; safe to repeat.

    Args:
        passwords: By role, each one line.
    """
    limits = {ADMIN: admin_connections, **SERVICE_ROLES}
    statements = []
    for role, limit in limits.items():
        password = passwords[role].replace("'", "''")
        statements.append(f"ALTER ROLE {role} PASSWORD '{password}' CONNECTION LIMIT {limit}")
        settings = _EVERY_ROLE | ({} if role == ADMIN else _SERVICE_ROLE)
        statements += [f"ALTER ROLE {role} SET {name} = '{value}'" for name, value in settings.items()]
    return statements


def server_settings(
    *, port: int, fsync: bool, max_connections: int, shared_buffers_mb: int, platform: str
) -> str:
    """Return the text of postgresql.conf; `platform` as in `sys.platform`."""
    durable = "on" if fsync else "off"
    settings = {
        "listen_addresses": HOST,
        "port": port,
        "unix_socket_directories": "",
        "max_connections": max_connections,
        "shared_buffers": f"{shared_buffers_mb}MB",
        # In the data dir, where nothing stays behind of a server that was killed and never started again.
        "dynamic_shared_memory_type": "mmap",
        "fsync": durable,
        "synchronous_commit": durable,
        "full_page_writes": durable,
        "max_wal_size": "256MB",
        # A client that froze or vanished gives its connection back within seconds.
        "client_connection_check_interval": "2s",
        "tcp_keepalives_idle": 5,
        "tcp_keepalives_interval": 2,
        "tcp_keepalives_count": 3,
        **({"tcp_user_timeout": "10s"} if platform.startswith("linux") else {}),
        "password_encryption": "scram-sha-256",
        "default_transaction_isolation": "read committed",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "io_method": "sync",
        "jit": "off",
        "log_min_messages": "warning",
        "log_line_prefix": "%m [%p] %u@%d %a ",
    }
    return "".join(f"{name} = '{value}'\n" for name, value in settings.items())


def access_rules(*, databases: str) -> str:
    """Return the text of pg_hba.conf: Bongsu's roles over loopback TCP with a password, nobody else."""
    roles = ",".join(ROLES)
    return (
        f"host {databases} {roles} {HOST}/32 scram-sha-256\n"
        "host all all all reject\n"
        "host replication all all reject\n"
    )
