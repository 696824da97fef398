"""The schema check: a service refuses a database that lacks what its build uses, and names the migration."""

from __future__ import annotations

import asyncpg
import pytest

from common.database.schema import TABLES
from integration.common.conftest import StartMinimal
from servers.waiting import eventually

LEDGER_OF_MIGRATIONS = "schema_migrations"
COLUMNS = """
SELECT relname, string_agg(attname, ' ' ORDER BY attnum) AS columns
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
GROUP BY relname
"""


async def test_what_services_ask_for_is_what_all_migrations_make(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        made = {row["relname"]: row["columns"] for row in await connection.fetch(COLUMNS)}
    finally:
        await connection.close()
    del made[LEDGER_OF_MIGRATIONS]
    assert {table: columns for table, (_, columns) in TABLES.items()} == made


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "DROP TABLE repair_progress",
            "there is no table repair_progress, which migrations/0003_repair_progress.sql makes",
        ),
        (
            "ALTER TABLE market_data DROP COLUMN revision",
            "table market_data has no column revision, which migrations/0001_tables.sql makes",
        ),
    ],
)
async def test_a_service_ends_at_once_and_names_what_is_missing(
    start_minimal: StartMinimal, database_url: str, change: str, message: str
) -> None:
    admin = await asyncpg.connect(database_url)
    await admin.execute(change)
    await admin.close()
    with start_minimal() as running:
        await eventually(lambda: running.process.poll() is not None)
        assert running.process.returncode == 1
        assert [
            message in line["error"] for line in running.events("service.stopped") if "error" in line
        ] == [True]
        assert not running.events("service.ready")


async def test_a_table_that_vanishes_while_running_ends_nothing(
    start_minimal: StartMinimal, database_url: str
) -> None:
    with start_minimal() as running:
        await eventually(lambda: running.events("service.ready"))
        admin = await asyncpg.connect(database_url)
        await admin.execute("DROP TABLE upbit_block")
        await admin.close()
        runs = len(running.events("job.finished"))
        await eventually(lambda: len(running.events("job.finished")) > runs + 2)
        assert running.stop() == 0
