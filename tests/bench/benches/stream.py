"""Throughput of candles from the stream into `market_data`, acknowledged, against a loop by hand."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import asyncpg
from nats.aio.msg import Msg

from bench.comparison import Comparison, Rounds, side_by_side
from bench.pages import pages
from bench.storing import connected, emptied, handle_all, publish_all, store_all
from collector.repository import _LOCK, _UPSERT, CandleRepository, _arguments
from common.bus.delivery import Delivery
from common.bus.inbox import inbox_of
from common.database.pool import Connection, Database, Share
from common.events import CandlesClosed
from common.streams import STORE_CANDLES
from harness.servers import Servers, nats_connection, postgres_connection, servers

PAGES, CANDLES = 200, 100
ROW_PAGES = 600
FETCH = 10
COLUMNS = ("timestamp", "open", "high", "low", "close", "volume", "trade_value")
# The store's statement as it is written first: Decimals as they are, the lock by itself.
BY_HAND = """
INSERT INTO market_data AS stored
    (symbol, timestamp, open, high, low, close, volume, trade_value, source, collected_at)
SELECT $1, page.*, $9, $10
FROM unnest($2::timestamptz[], $3::numeric[], $4::numeric[], $5::numeric[], $6::numeric[], $7::numeric[],
            $8::numeric[]) AS page
ON CONFLICT (symbol, timestamp) DO UPDATE
SET open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
    volume = excluded.volume, trade_value = excluded.trade_value, source = excluded.source,
    collected_at = excluded.collected_at, revision = stored.revision + 1
WHERE stored.collected_at < excluded.collected_at
  AND (stored.open, stored.high, stored.low, stored.close, stored.volume, stored.trade_value)
      IS DISTINCT FROM
      (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume, excluded.trade_value)
"""
INSERT = """
INSERT INTO market_data (symbol, timestamp, open, high, low, close, volume, trade_value, source, collected_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (symbol, timestamp) DO NOTHING
"""
Upsert = Callable[[Connection, CandlesClosed], Awaitable[None]]


async def measure() -> list[Comparison]:
    """Return the rows against the loop by hand, a message and an INSERT a candle, and COPY."""
    async with servers() as running:
        rates = await side_by_side(
            {
                "ours": lambda: _ours(running),
                "raw": lambda: _raw(running, _upsert_by_hand),
                "raw ours": lambda: _raw(running, _upsert_as_ours),
                "rows": lambda: _by_rows(running),
                "bare rows": lambda: _by_bare_rows(running),
                "copy": lambda: _copy(running),
            }
        )
    return [
        _row("a loop on nats-py and asyncpg that does the same", rates, "raw", 0.9),
        _row("that loop with our statement", rates, "raw ours", 0.9),
        _row("one message and one INSERT a candle, on the same bus and pool", rates, "rows", 30.0),
        _row("one message and one INSERT a candle, in a bare loop", rates, "bare rows", 30.0),
        _row("COPY, neither idempotent nor acknowledged: the limit", rates, "copy", None),
    ]


def _row(against: str, rates: Rounds, side: str, bar: float | None) -> Comparison:
    return Comparison(
        f"stream → market_data → ack, pages of {CANDLES}",
        against,
        f"{rates.median('ours'):,.0f} candles/s",
        f"{rates.median(side):,.0f} candles/s",
        rates.shown("ours", side),
        f">= {bar:g}x" if bar else "none",
        reached=bar is None or rates.ratio("ours", side) >= bar,
    )


async def _filled(running: Servers, count: int, candles: int) -> None:
    await emptied(running)
    async with connected(running) as (bus, _):
        await publish_all(bus, pages(count, candles=candles))


async def _ours(running: Servers) -> float:
    await _filled(running, PAGES, CANDLES)
    async with connected(running) as (bus, database):
        began = time.perf_counter()
        await store_all(bus, database, messages=PAGES)
        return PAGES * CANDLES / (time.perf_counter() - began)


async def _raw(running: Servers, upsert: Upsert) -> float:
    """The same by hand: a fetch, one transaction a page, one ack."""
    await _filled(running, PAGES, CANDLES)
    # Never opened: only its statements about gaps are used, on the connection that is given.
    repository = CandleRepository(Database("", service="bench", share=Share(1, 1)))
    pool = await asyncpg.create_pool(running.database_url("collector"), min_size=1, max_size=2)

    async def handle(message: Msg) -> None:
        page = CandlesClosed.model_validate_json(message.data)
        async with pool.acquire() as connection, connection.transaction():
            await upsert(connection, page)
            await repository._settle_gaps(connection, page)
        await message.ack()

    try:
        return PAGES * CANDLES / await _drain(running, handle, at_once=FETCH)
    finally:
        await pool.close()


async def _upsert_by_hand(connection: Connection, page: CandlesClosed) -> None:
    await connection.execute(_LOCK, page.market)
    await connection.execute(BY_HAND, page.market, *_columns(page), page.source, page.collected_at)


async def _upsert_as_ours(connection: Connection, page: CandlesClosed) -> None:
    await connection.execute(_UPSERT, *_arguments(page))


async def _by_rows(running: Servers) -> float:
    """The plain way in the same system: every candle is a message, a statement and an ack."""
    await _filled(running, ROW_PAGES, 1)
    async with connected(running) as (bus, database):

        async def insert(page: CandlesClosed, _: Delivery) -> None:
            async with database.connection() as connection:
                await connection.execute(INSERT, *_single_row(page))

        began = time.perf_counter()
        await handle_all(bus, insert, messages=ROW_PAGES)
        return ROW_PAGES / (time.perf_counter() - began)


async def _by_bare_rows(running: Servers) -> float:
    """The plain way by hand: a fetch, a connection from the pool, a statement and an ack for every candle."""
    await _filled(running, ROW_PAGES, 1)
    pool = await asyncpg.create_pool(running.database_url("collector"), min_size=1, max_size=2)

    async def handle(message: Msg) -> None:
        await pool.execute(INSERT, *_single_row(CandlesClosed.model_validate_json(message.data)))
        await message.ack()

    try:
        return ROW_PAGES / await _drain(running, handle, at_once=1)
    finally:
        await pool.close()


async def _drain(running: Servers, handle: Callable[[Msg], Awaitable[None]], *, at_once: int) -> float:
    """Handle every message of the store consumer; returns the seconds it took."""
    async with nats_connection(running.nats.url("collector"), inbox_prefix=inbox_of("collector")) as client:
        subscription = await client.jetstream().pull_subscribe_bind(STORE_CANDLES.name, STORE_CANDLES.stream)
        waiting = (await subscription.consumer_info()).num_pending or 0
        began = time.perf_counter()
        while waiting:
            for message in await subscription.fetch(min(at_once, waiting), timeout=5):
                await handle(message)
                waiting -= 1
        await client.flush()
        return time.perf_counter() - began


async def _copy(running: Servers) -> float:
    await emptied(running)
    rows = [
        (page.market, *values, page.source, page.collected_at)
        for page in pages(PAGES, candles=CANDLES)
        for values in zip(*_columns(page), strict=True)
    ]
    columns = ("symbol", *COLUMNS, "source", "collected_at")
    async with postgres_connection(running.database_url("collector")) as connection:
        began = time.perf_counter()
        await connection.copy_records_to_table("market_data", records=rows, columns=columns)
        return len(rows) / (time.perf_counter() - began)


def _single_row(page: CandlesClosed) -> tuple[object, ...]:
    [candle] = page.candles
    return (page.market, *(getattr(candle, name) for name in COLUMNS), page.source, page.collected_at)


def _columns(page: CandlesClosed) -> list[list[object]]:
    return [[getattr(candle, name) for candle in page.candles] for name in COLUMNS]
