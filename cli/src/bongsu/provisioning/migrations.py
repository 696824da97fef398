"""The migrations: numbered SQL files, each of which runs once on a database, in order, in one transaction."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from bongsu.errors import CommandError, NotAllowedError, UnreachableError

FILE_NAME = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")
LOCK_KEY = 0x626F6E677375
CONNECT_SECONDS = 5.0
LOCK_SECONDS = 60.0

_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version    integer     PRIMARY KEY,
    name       text        NOT NULL,
    sha256     text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)"""


@dataclass(frozen=True)
class Migration:
    """One file `NNNN_name.sql`."""

    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """The hash of what the file says."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def file_name(self) -> str:
        """The file's name."""
        return f"{self.version:04d}_{self.name}.sql"


def default_folder() -> Path:
    """Return the folder `migrations` of the source tree this command was installed from, or of `.`."""
    for parent in (*Path(__file__).resolve().parents, Path.cwd()):
        if list((parent / "migrations").glob("0001_*.sql")):
            return parent / "migrations"
    raise CommandError("the folder migrations/ was not found; run bongsu from the project's folder")


def read_migrations(folder: Path) -> list[Migration]:
    """Return the migrations of a folder by version; CommandError for a name that breaks the rule."""
    migrations = []
    for path in sorted(folder.glob("*.sql")):
        match = FILE_NAME.match(path.name)
        if not match:
            raise CommandError(f"{path}: a migration's file name is NNNN_name.sql, as in 0001_tables.sql")
        migrations.append(Migration(int(match[1]), match[2], path.read_text(encoding="utf-8")))
    versions = [migration.version for migration in migrations]
    if len(versions) != len(set(versions)):
        raise CommandError(f"{folder}: two migrations have the same number; give the newer one the next")
    return migrations


async def apply(url: str, *, folder: Path | None = None) -> list[str]:
    """Bring the database of `url` (as bongsu_admin) up to date; returns the names of the files that ran.

    Two at the same time wait for each other.

    Raises:
        CommandError: A file that ran before has changed, or one fails; it and all later ones did not run.
        UnreachableError: The server does not answer.
        NotAllowedError: It refuses the user, or the user may not make tables.
    """
    migrations = read_migrations(folder or default_folder())
    async with connected(url) as connection:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK_KEY, timeout=LOCK_SECONDS)
        return await _apply_missing(connection, migrations)


@asynccontextmanager
async def connected(
    url: str, *, variable: str = "DATABASE_URL"
) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """Connect for one piece of work on tables and roles.

    Args:
        variable: Where the URL was set, for the message.

    Raises:
        UnreachableError: The server does not answer, or not yet.
        NotAllowedError: It refuses the user.
        CommandError: It has no such database, or can't do it for another reason.
    """
    try:
        connection = await asyncpg.connect(
            url, timeout=CONNECT_SECONDS, server_settings={"application_name": "bongsu.migrations"}
        )
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        raise NotAllowedError(
            f"PostgreSQL refuses the connection: {error}; correct user and password in {variable}"
        ) from error
    except (OSError, TimeoutError, asyncpg.CannotConnectNowError) as error:
        raise UnreachableError(
            f"PostgreSQL does not answer ({type(error).__name__}); start it, or correct {variable}"
        ) from error
    except asyncpg.PostgresError as error:
        raise CommandError(f"PostgreSQL refuses the connection: {error}; correct {variable}") from error
    try:
        yield connection
    finally:
        await connection.close(timeout=2)


async def _apply_missing(connection: asyncpg.Connection[Any], migrations: list[Migration]) -> list[str]:
    try:
        await connection.execute(_TABLE)
    except asyncpg.InsufficientPrivilegeError as error:
        raise NotAllowedError(
            f"PostgreSQL: {error}; DATABASE_URL must name bongsu_admin, who owns the database"
        ) from error
    rows = await connection.fetch("SELECT version, sha256 FROM schema_migrations")
    applied = {row["version"]: row["sha256"] for row in rows}
    for migration in migrations:
        if applied.get(migration.version, migration.sha256) != migration.sha256:
            raise CommandError(
                f"{migration.file_name}: was changed after it had been applied here; restore it and put the"
                " change into a new file"
            )
    missing = [migration for migration in migrations if migration.version not in applied]
    for migration in missing:
        await _apply_one(connection, migration)
    return [migration.file_name for migration in missing]


async def _apply_one(connection: asyncpg.Connection[Any], migration: Migration) -> None:
    try:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO schema_migrations (version, name, sha256) VALUES ($1, $2, $3)",
                migration.version,
                migration.name,
                migration.sha256,
            )
    except asyncpg.InsufficientPrivilegeError as error:
        raise NotAllowedError(
            f"{migration.file_name}: {error}; DATABASE_URL must name bongsu_admin, who owns the database"
        ) from error
    except asyncpg.PostgresError as error:
        raise CommandError(f"{migration.file_name}: {error}") from error
