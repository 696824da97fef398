"""Does a PostgreSQL that others run have Bongsu's roles and database, with the passwords of today?"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import asyncpg

from bongsu.errors import CommandError, NotAllowedError
from bongsu.migrations import connect
from bongsu.servers.postgres_config import (
    ADMIN_CONNECTIONS,
    DATABASE,
    ROLES,
    bootstrap_statements,
    role_statements,
)

VARIABLE = "SUPERUSER_DATABASE_URL"


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
    connection = await connect(url, variable=VARIABLE)
    try:
        return await _make(connection, passwords)
    except asyncpg.InsufficientPrivilegeError as error:
        raise NotAllowedError(f"PostgreSQL: {error}; {VARIABLE} must name a superuser") from error
    except asyncpg.PostgresError as error:
        raise CommandError(f"PostgreSQL: the roles could not be made: {error}") from error
    finally:
        await connection.close(timeout=2)


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
