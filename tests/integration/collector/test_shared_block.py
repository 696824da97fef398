"""How soon does one collector know of a block that another was told, also when PostgreSQL was away?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bongsu.servers.postgres.server import PostgresServer
from collector.upbit.block_repository import BlockRepository
from collector.upbit.ip_block import SharedBlock
from collector.upbit.rate_limiter import RequestGate
from common.database.pool import Database, Share
from servers.waiting import eventually

if TYPE_CHECKING:
    from integration.collector.conftest import Admin


@asynccontextmanager
async def collector(postgres: PostgresServer, database: str) -> AsyncIterator[RequestGate]:
    """The gate of a collector of its own, and whatever shares its block."""
    opened = Database(postgres.url("bongsu_collector", database), service="collector", share=Share(1, 1))
    await opened.open()
    gate = RequestGate()
    shared = SharedBlock(gate, BlockRepository(opened))
    await shared.start()
    try:
        yield gate
    finally:
        await shared.stop()
        await opened.close()


async def test_a_block_is_known_to_the_others_within_a_second_and_to_one_that_starts(
    postgres: PostgresServer, database: str
) -> None:
    async with collector(postgres, database) as told, collector(postgres, database) as other:
        told.note(418, {}, "")
        await eventually(lambda: other.block.seconds_left > 58, 1.0)
        async with collector(postgres, database) as started:
            assert 55 < started.block.seconds_left <= 60
            assert started.block.length_seconds == 60


async def test_a_block_that_is_over_holds_nobody(
    postgres: PostgresServer, database: str, admin: Admin
) -> None:
    await admin.execute(
        "INSERT INTO upbit_block (blocked_until, length_seconds) VALUES (now() - interval '1 second', 60)"
    )
    async with collector(postgres, database) as gate:
        assert gate.wait_seconds == 0


async def test_a_block_that_came_while_postgresql_was_away_is_told_when_it_is_back(
    postgres: PostgresServer, database: str, admin: Admin
) -> None:
    async with collector(postgres, database) as told:
        await admin.execute("ALTER TABLE upbit_block RENAME TO gone")
        told.note(418, {}, "")
        await eventually(lambda: told.block.seconds_left < 59, 2.0)
        await admin.execute("ALTER TABLE gone RENAME TO upbit_block")

        async def is_known() -> bool:
            return bool(await admin.fetchval("SELECT count(*) FROM upbit_block"))

        await eventually(is_known, 5.0)
