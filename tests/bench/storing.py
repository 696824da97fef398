"""Storing of pages from the stream into `market_data`: bus, the store consumer's handler, repository."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from collector.handlers import PAGES_AT_ONCE, CandleHandlers
from collector.repository import CandleRepository
from common.bus.broker import Bus
from common.bus.delivery import Delivery
from common.clock import ExchangeClock
from common.database.pool import SHARES, Database
from common.events import CandlesClosed
from common.streams import STORE_CANDLES
from harness.servers import Servers, postgres_connection

POLL_SECONDS = 0.002
Handler = Callable[[CandlesClosed, Delivery], Awaitable[None]]


@asynccontextmanager
async def connected(running: Servers) -> AsyncIterator[tuple[Bus, Database]]:
    """Connect as the collector does, receiving nothing yet."""
    bus = Bus(running.nats.url("collector"), service="collector", instance="bench")
    database = Database(running.database_url("collector"), service="collector", share=SHARES["collector"])
    await bus.connect()
    await database.open()
    try:
        yield bus, database
    finally:
        await bus.close()
        await database.close()


async def publish_all(bus: Bus, pages: Sequence[CandlesClosed]) -> None:
    """Publish in order, sixteen at a time on their way."""
    gate = asyncio.Semaphore(16)

    async def one(page: CandlesClosed) -> None:
        async with gate:
            await bus.publish(page)

    await asyncio.gather(*(one(page) for page in pages))


async def store_all(bus: Bus, database: Database, *, messages: int) -> None:
    """Store so many messages as the collector does; returns when all are acknowledged."""
    await handle_all(
        bus,
        CandleHandlers(CandleRepository(database), ExchangeClock()).on_candles_closed,
        messages=messages,
        at_once=PAGES_AT_ONCE,
    )


async def handle_all(bus: Bus, handler: Handler, *, messages: int, at_once: int = 1) -> None:
    """Receive with the store consumer until so many messages are handled and all are acknowledged."""
    left, handled = messages, asyncio.Event()

    async def count(page: CandlesClosed, delivery: Delivery) -> None:
        nonlocal left
        await handler(page, delivery)
        left -= 1
        if left == 0:
            handled.set()

    bus.consume(STORE_CANDLES, CandlesClosed, count, at_once=at_once)
    await bus.start()
    await handled.wait()
    await until_settled(bus)


async def until_settled(bus: Bus) -> None:
    """Return once the store consumer has nothing pending and nothing unacknowledged."""
    while True:
        info = await bus.jetstream.consumer_info(STORE_CANDLES.stream, STORE_CANDLES.name)
        if not info.num_pending and not info.num_ack_pending:
            return
        await asyncio.sleep(POLL_SECONDS)


async def emptied(running: Servers) -> None:
    """Empty all: no message in MARKET, no candle, no gap."""
    async with postgres_connection(running.postgres.url()) as admin:
        await admin.execute("TRUNCATE market_data, candle_gaps")
    bus = Bus(running.nats.url(), service="bench", instance="purge")
    await bus.connect()
    await bus.jetstream.purge_stream(STORE_CANDLES.stream)
    await bus.close()
