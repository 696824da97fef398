"""A block that one collector meets is known to the others, also after an outage of PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bongsu.servers.postgres.server import PostgresServer
from collector.upbit.block_repository import BlockRepository
from collector.upbit.ip_block import IpBlock
from collector.upbit.rate_limiter import RateLimiter
from common.database.pool import Database, Share
from servers.waiting import eventually

if TYPE_CHECKING:
    from integration.collector.conftest import Admin


@asynccontextmanager
async def collector(postgres: PostgresServer, database: str) -> AsyncIterator[RateLimiter]:
    """The rate limiter of a collector of its own, whose block is shared."""
    opened = Database(postgres.url("bongsu_collector", database), service="collector", share=Share(1, 1))
    await opened.open()
    limiter = RateLimiter()
    shared = IpBlock(limiter, BlockRepository(opened))
    await shared.wait_until_known()
    shared.start()
    try:
        yield limiter
    finally:
        await shared.stop()
        await opened.close()


async def test_a_block_is_known_to_the_others_and_to_one_that_starts(
    postgres: PostgresServer, database: str
) -> None:
    async with collector(postgres, database) as blocked, collector(postgres, database) as other:
        blocked.record_answer(418, {}, "")
        await eventually(lambda: other.block.seconds_left)
        async with collector(postgres, database) as started:
            assert 0 < started.block.seconds_left <= 60
            assert started.block.length_seconds == 60


async def test_a_block_that_is_over_delays_no_request(
    postgres: PostgresServer, database: str, admin: Admin
) -> None:
    await admin.execute(
        "INSERT INTO upbit_block (blocked_until, length_seconds) VALUES (now() - interval '1 second', 60)"
    )
    async with collector(postgres, database) as limiter:
        assert limiter.wait_seconds == 0


async def test_a_block_that_came_while_postgresql_was_away_is_shared_when_it_is_back(
    postgres: PostgresServer, database: str, admin: Admin
) -> None:
    async with collector(postgres, database) as blocked:
        await admin.execute("ALTER TABLE upbit_block RENAME TO gone")
        blocked.record_answer(418, {}, "")
        await eventually(lambda: blocked.block.seconds_left < 59)
        await admin.execute("ALTER TABLE gone RENAME TO upbit_block")

        async def is_known() -> bool:
            return bool(await admin.fetchval("SELECT count(*) FROM upbit_block"))

        await eventually(is_known)
