"""A stack on three NATS servers goes on without one of them; nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from common.bus.broker import Bus
from common.errors import TransientError
from common.events import CandlesClosed
from integration.common.speaking import page
from servers.nats_cluster import SERVERS, is_whole, stream_leader
from servers.waiting import HANG_SECONDS, eventually
from system.conftest import Run, Start

MARKET = "KRW-TEST"


@dataclass
class Relay:
    """Pages of a market of the test's own, published to the run's stream and stored by its collector."""

    bus: Bus
    database: asyncpg.Connection[asyncpg.Record]
    published: int = 0

    async def publish(self) -> None:
        """Publish the next page, again and again until it is acknowledged."""
        event = page(self.published).model_copy(update={"market": MARKET})
        while True:
            try:
                await self.bus.publish(event)
            except TransientError:
                await asyncio.sleep(0.1)
            else:
                self.published += 1
                return

    async def goes_on(self) -> None:
        """Publish one page and wait until it is stored."""
        await asyncio.wait_for(self.publish(), HANG_SECONDS)
        await eventually(self.all_is_stored)

    async def all_is_stored(self) -> bool:
        """Tell whether every page that was published is a row."""
        rows = await self.database.fetchval("SELECT count(*) FROM market_data WHERE symbol = $1", MARKET)
        return bool(rows == self.published)

    async def kept(self) -> int:
        """Return how many messages of this market the stream holds."""
        subject = CandlesClosed.subject.format(market=MARKET)
        state = (await self.bus.jetstream.stream_info("MARKET", subjects_filter=subject)).state
        return (state.subjects or {}).get(subject, 0)

    async def leader(self) -> str:
        """Return the name of the server that leads the stream."""
        leader = await stream_leader(self.bus.jetstream, "MARKET")
        assert leader is not None
        return leader

    async def is_whole(self) -> bool:
        """Tell whether all three servers have everything of the stream."""
        return await is_whole(self.bus.jetstream, ["MARKET"])


@asynccontextmanager
async def relay(run: Run) -> AsyncIterator[Relay]:
    """Connect to a run as its operator."""
    bus = Bus(run.document["nats_url"], service="test", instance="relay")
    await bus.connect()
    database = await asyncpg.connect(run.document["database_url"])
    try:
        yield Relay(bus, database)
    finally:
        await database.close()
        await bus.close()


async def test_it_goes_on_when_the_leader_of_the_stream_dies_or_freezes(start: Start) -> None:
    run = await asyncio.to_thread(start("--nats-cluster", "3").until_up)
    pids = run.document["pids"]
    assert set(SERVERS) <= set(pids)
    assert len(run.document["nats_monitor_urls"]) == len(run.document["nats_url"].split(",")) == 3
    async with relay(run) as pages:
        await eventually(pages.is_whole)
        for _ in range(20):
            await pages.publish()

        os.kill(pids[await pages.leader()], signal.SIGKILL)
        await pages.goes_on()
        await eventually(pages.is_whole)

        frozen = run.document["pids"][await pages.leader()]
        os.kill(frozen, signal.SIGSTOP)
        try:
            await pages.goes_on()
        finally:
            os.kill(frozen, signal.SIGCONT)
        await eventually(pages.is_whole)

        assert await pages.all_is_stored()
        assert await pages.kept() == pages.published == 22
    assert "died (signal 9), started again" in run.text
