"""Bongsu's roles and database: the SQL that makes them, with the passwords and limits as they are now."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from typing import Any

import asyncpg

from bongsu.errors import CommandError, NotAllowedError
from bongsu.provisioning.migrations import connected
from common.database.pool import SHARES

VARIABLE = "SUPERUSER_DATABASE_URL"
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
        # Only the superuser, who does no work here, needs the other databases.
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


async def make_roles(url: str, passwords: Mapping[str, str]) -> list[str]:
    """Make what is missing and set every password, limit and setting; returns the roles that are new.

    Args:
        url: Of a superuser.
        passwords: By role, of all four.

    Raises:
        UnreachableError: The server does not answer.
        NotAllowedError: It refuses the user, or the user may not make roles.
        CommandError: A statement failed for another reason.
    """
    try:
        async with connected(url, variable=VARIABLE) as connection:
            return await _make(connection, passwords)
    except asyncpg.InsufficientPrivilegeError as error:
        raise NotAllowedError(f"PostgreSQL: {error}; {VARIABLE} must name a superuser") from error
    except asyncpg.PostgresError as error:
        raise CommandError(f"PostgreSQL: the roles could not be made: {error}") from error


async def _make(connection: asyncpg.Connection[Any], passwords: Mapping[str, str]) -> list[str]:
    # A statement that fails is logged by the server, with the password in it.
    with contextlib.suppress(asyncpg.InsufficientPrivilegeError):
        await connection.execute("SET log_min_error_statement = panic")
    rows = await connection.fetch("SELECT rolname FROM pg_roles WHERE rolname = ANY($1)", ROLES)
    found = {str(row["rolname"]) for row in rows}
    has_database = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", DATABASE
    )
    for statement in (
        *bootstrap_statements(roles=found, has_database=has_database),
        *role_statements(passwords, admin_connections=ADMIN_CONNECTIONS),
    ):
        await connection.execute(statement)
    return [role for role in ROLES if role not in found]
