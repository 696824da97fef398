"""Migration that is killed fifty times: it ends with the schema of an undisturbed one."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from bongsu.provisioning import migrations
from bongsu.provisioning.roles import DATABASE
from bongsu.servers.postgres.server import PostgresServer
from faults.stack.running import migration_with_kill_point, until_killed
from harness.finding import Finding
from harness.servers import postgres_connection, scratch_folder

PROMISE = "kill points"
UNDISTURBED = "undisturbed"
# The lock, the ledger, and of each file BEGIN, the file, its line in the ledger, COMMIT: from the third on.
FIRST_STATEMENT, LAST_STATEMENT = 3, 10
FILE = """
CREATE TABLE notes_{n} (id bigint PRIMARY KEY, symbol text NOT NULL, text text);
ALTER TABLE market_data ADD COLUMN note_{n} text, ADD COLUMN weight_{n} numeric NOT NULL DEFAULT {n};
INSERT INTO notes_{n} VALUES ({n}, 'KRW-BTC', 'once');
CREATE INDEX idx_notes_{n}_symbol ON notes_{n} (symbol);
"""
SCHEMA = """
SELECT table_name, column_name, ordinal_position::int, data_type, is_nullable, coalesce(column_default, '')
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT tablename, indexname, 0, indexdef, '', '' FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT conrelid::regclass::text, conname, 0, pg_get_constraintdef(oid), '', ''
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT table_name, grantee, 0, privilege_type, '', ''
FROM information_schema.table_privileges WHERE table_schema = 'public'
UNION ALL SELECT tgrelid::regclass::text, tgname, 0, '', '', '' FROM pg_trigger WHERE NOT tgisinternal
"""


async def measure(chance: random.Random, times: int) -> Finding:
    """Return the row: the files that ran, how often each, and whether the schema is the same."""
    with scratch_folder() as folder:
        postgres = PostgresServer(folder / "postgres", databases="all").start()
        try:
            files = _files(folder / "migrations", times)
            began = await _killed(postgres, folder, chance, times)
            left = await migrations.apply(postgres.url(), folder=files)
            return await _compared(postgres, files, times, began, left)
        finally:
            postgres.stop()


def _files(folder: Path, count: int) -> Path:
    """Return a folder with the product's files and as many small ones as a kill at every second end needs."""
    shutil.copytree(migrations.default_folder(), folder)
    for number in range(2 * count):
        (folder / f"{9000 + number}_notes.sql").write_text(FILE.format(n=number))
    return folder


async def _killed(postgres: PostgresServer, folder: Path, chance: random.Random, times: int) -> int:
    """Kill it so often; returns how many files were through by then."""
    for _ in range(times):
        nth = chance.randint(FIRST_STATEMENT, LAST_STATEMENT)
        with migration_with_kill_point(postgres, folder, nth=nth) as process:
            await until_killed(process)
    async with postgres_connection(postgres.url()) as connection:
        through: int = await connection.fetchval("SELECT count(*) FROM schema_migrations")
    return through


async def _compared(
    postgres: PostgresServer, files: Path, times: int, through: int, left: list[str]
) -> Finding:
    async with postgres_connection(postgres.url()) as admin:
        await admin.execute(f"CREATE DATABASE {UNDISTURBED}")
        await migrations.apply(postgres.url(database=UNDISTURBED), folder=files)
        disturbed, undisturbed = [await _schema(postgres, name) for name in (DATABASE, UNDISTURBED)]
        names = [row["name"] for row in await admin.fetch("SELECT name FROM schema_migrations")]
        rows = sum(
            [await admin.fetchval(f"SELECT count(*) FROM notes_{number}") for number in range(2 * times)]
        )
    wanted = migrations.read_migrations(files)
    differences = len(disturbed ^ undisturbed)
    return Finding(
        PROMISE,
        f"kill -9 during a migration of {len(wanted)} files, {times} times, then once to its end",
        "each file ran once, the schema is that of an undisturbed one",
        f"{through} files were through when it was killed last, {len(left)} ran at the end; {len(names)} in"
        f" the ledger, {rows - 2 * times} rows too many, {differences} differences in {len(undisturbed)}"
        " facts of the schema",
        holds=through + len(left) == len(names) == len(wanted)
        and len(undisturbed) > 0
        and not differences
        and rows == 2 * times,
    )


async def _schema(postgres: PostgresServer, database: str) -> set[tuple[object, ...]]:
    async with postgres_connection(postgres.url(database=database)) as connection:
        return {tuple(row) for row in await connection.fetch(SCHEMA)}
