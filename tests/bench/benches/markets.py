"""Cost of a candle where there are many markets."""

from __future__ import annotations

import time

from bench.comparison import Comparison, side_by_side
from bench.pages import pages
from bench.storing import connected, emptied, publish_all, store_all
from harness.servers import Servers, servers

CANDLES = 1000
COUNTS = (1, 10, 250)


async def measure() -> list[Comparison]:
    """Return one row: the time to publish and store one candle with 1, 10 and 250 markets."""
    async with servers() as running:
        costs = await side_by_side(
            {str(count): (lambda count=count: _cost(running, count)) for count in COUNTS}  # type: ignore[misc]
        )
    return [
        Comparison(
            f"{CANDLES} live candles, a page each, published and stored",
            "1 market",
            f"10 markets {costs.median('10'):.2f} ms, 250 markets {costs.median('250'):.2f} ms a candle",
            f"{costs.median('1'):.2f} ms a candle",
            f"{costs.shown('250', '1')} from 1 to 250",
            "<= 1.2x",
            reached=costs.ratio("250", "1") <= 1.2,
        )
    ]


async def _cost(running: Servers, markets: int) -> float:
    """Return the milliseconds that one candle takes."""
    await emptied(running)
    # Minute by minute over all markets, as they come.
    live = [
        page
        for minute in range(CANDLES // markets)
        for market in range(markets)
        for page in pages(1, candles=1, market=f"KRW-M{market:03}", first_minute=minute)
    ]
    async with connected(running) as (bus, database):
        began = time.perf_counter()
        await publish_all(bus, live)
        await store_all(bus, database, messages=len(live))
        return (time.perf_counter() - began) * 1000 / len(live)
