"""Cost of a market's history: bytes on the disk, and the search for missing minutes each minute."""

from __future__ import annotations

import time
from datetime import timedelta

from bench.comparison import Comparison, side_by_side
from bench.stacks import store_history
from bench.storing import connected
from collector.repository import CandleRepository
from faults.inputs.recording import FIRST
from harness.servers import Servers, postgres_connection, servers

DAYS = (3, 30, 400)
MARKET = "KRW-BTC"
# 250 markets have a minute.
BAR_MS = 60_000 / 250


async def measure() -> list[Comparison]:
    """Return a row for each length of history."""
    async with servers() as running:
        return [await _row(running, days) for days in DAYS]


async def _row(running: Servers, days: int) -> Comparison:
    begins = FIRST - timedelta(days=days)
    size = await _stored(running, days)
    async with connected(running) as (_, database):
        repository = CandleRepository(database)

        async def look() -> float:
            began = time.perf_counter()
            await repository.covered_ranges(MARKET, begins, FIRST)
            return (time.perf_counter() - began) * 1000

        taken = (await side_by_side({"look": look})).median("look")
    return Comparison.alone(
        f"gap_repair's look at one market, {days} days of candles",
        f"{taken:.1f} ms",
        f"<= {BAR_MS:.0f} ms",
        reached=taken <= BAR_MS,
        measured=f"{taken:.1f} ms; {size:.0f} bytes a candle, index included",
    )


async def _stored(running: Servers, days: int) -> float:
    """Store so much and return the bytes of a candle."""
    async with postgres_connection(running.postgres.url()) as connection:
        await connection.execute("TRUNCATE market_data")
        await store_history(connection, (MARKET,), minutes=days * 24 * 60)
        await connection.execute("VACUUM ANALYZE market_data")
        size: float = await connection.fetchval(
            "SELECT pg_total_relation_size('market_data')::float8 / count(*) FROM market_data"
        )
    return size
