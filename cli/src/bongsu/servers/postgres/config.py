"""Configuration of the embedded PostgreSQL: postgresql.conf and pg_hba.conf. Pure."""

from __future__ import annotations

from bongsu.provisioning.roles import ROLES
from bongsu.servers.ports import HOST


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
    """Return the text of pg_hba.conf: Bongsu's roles over loopback TCP with a password, and no one else."""
    roles = ",".join(ROLES)
    return (
        f"host {databases} {roles} {HOST}/32 scram-sha-256\n"
        "host all all all reject\n"
        "host replication all all reject\n"
    )
