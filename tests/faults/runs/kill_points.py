"""Kill points: a service kills itself at its worst moments, fifty times at each, and loses nothing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from common.clock import floor_minute, utc_now
from common.events import CandlesClosed
from common.streams import DECIDE_ON_CANDLES, STORE_CANDLES
from faults.cases import killed_migration
from faults.inputs.publishing import Publisher, page_to_decide, publisher
from faults.oracles import expected
from faults.oracles.expected import Compared
from faults.stack.running import service_with_faults, stopped, until_killed
from faults.stack.stages import EVERY_MINUTE, empty_stack
from harness.finding import Finding
from harness.records import until_handled
from harness.servers import Connection
from harness.stack import gemini_at, in_thread, upbit_at
from servers.services import until_ready
from servers.simulators import simulator
from servers.waiting import eventually

PROMISE = "kill points"
BAR = "0 lost, 0 duplicate"
MARKETS = ["KRW-BTC", "KRW-ETH", "KRW-XRP", "KRW-SOL", "KRW-DOGE"]
BACKFILL_DAYS = 10
CAUGHT_UP_SECONDS = 240.0
# The newest minute counts as closed 62 s after its beginning, and a quiet market may have no candle in it.
NEWEST = timedelta(minutes=5)
COLLECTOR_POINTS = {
    "after_publish": "after a page's publish",
    "after_commit": "after a page's commit, before its acknowledgement",
}
SIGNALER_POINTS = {
    "after_commit": "after a signal's commit, before its publish",
    "after_publish": "after a signal's publish, before the page's acknowledgement",
}
# A kill comes at the n-th time that the point is reached, n by chance.
MOST_TIMES = 4
Killed = Callable[[str, random.Random, int], Awaitable[Finding]]


async def measure(seed: int, times: int = 50) -> list[Finding]:
    """Return a row for each of the five points; two of them run at a time."""

    async def each(points: Mapping[str, str], killed: Killed) -> list[Finding]:
        return [await killed(point, random.Random(f"{seed}-{point}"), times) for point in points]

    async def signaler_and_migration() -> list[Finding]:
        signaler = await each(SIGNALER_POINTS, _killed_signaler)
        return [*signaler, await killed_migration.measure(random.Random(f"{seed}-migration"), times)]

    collector, others = await asyncio.gather(
        each(COLLECTOR_POINTS, _killed_collector), signaler_and_migration()
    )
    return [*collector, *others]


async def _killed_collector(point: str, chance: random.Random, times: int) -> Finding:
    """Kill a collector that fetches days of five markets, then let a healthy one end the work."""
    async with (
        empty_stack({"markets": MARKETS, "backfill_days": BACKFILL_DAYS}) as (running, admin),
        in_thread(simulator("upbit_simulator")) as upbit,
    ):
        for _ in range(times):
            nth = chance.randint(1, MOST_TIMES)
            with service_with_faults(running, "collector", upbit_at(upbit), point, nth=nth) as process:
                await until_killed(process)
        with service_with_faults(running, "collector", upbit_at(upbit)) as process:
            await eventually(lambda: _is_up_to_date(admin), CAUGHT_UP_SECONDS)
            await until_handled(running.nats.url(), STORE_CANDLES, within=CAUGHT_UP_SECONDS)
            await stopped(process)
        return _finding(
            f"collector, {COLLECTOR_POINTS[point]}",
            times,
            await expected.candles_of_exchange(running, admin),
            "candles of the exchange",
        )


async def _is_up_to_date(admin: Connection) -> bool:
    """Tell whether every market has a candle of the last minutes."""
    return bool(
        await admin.fetchval(
            "SELECT count(DISTINCT symbol) = $1 FROM market_data WHERE timestamp > now() - $2::interval",
            len(MARKETS),
            NEWEST,
        )
    )


async def _killed_signaler(point: str, chance: random.Random, times: int) -> Finding:
    """Kill a signaler that has just as many pages to decide on as it takes to reach the point."""
    async with (
        empty_stack(EVERY_MINUTE) as (running, _),
        in_thread(simulator("gemini_simulator")) as gemini,
        publisher(running) as publishing,
    ):
        published: list[CandlesClosed] = []
        for _ in range(times):
            nth = chance.randint(1, MOST_TIMES)
            published += await _publish_to_decide(publishing, chance, len(published), nth)
            with service_with_faults(running, "signaler", gemini_at(gemini), point, nth=nth) as process:
                await until_killed(process)
        with service_with_faults(running, "signaler", gemini_at(gemini)) as process:
            await until_ready(process)
            await until_handled(running.nats.url(), DECIDE_ON_CANDLES, CAUGHT_UP_SECONDS)
            await stopped(process)
        return _finding(
            f"signaler, {SIGNALER_POINTS[point]}",
            times,
            await expected.signals_of_pages(running, published),
            "intervals, each with a row and a message",
        )


async def _publish_to_decide(
    publishing: Publisher, chance: random.Random, begin: int, count: int
) -> list[CandlesClosed]:
    end = floor_minute(utc_now())
    fresh = [page_to_decide(begin + number, chance, end=end) for number in range(count)]
    for page in fresh:
        await publishing.publish(page)
    return fresh


def _finding(point: str, times: int, compared: Compared, of: str) -> Finding:
    return Finding(
        PROMISE,
        f"kill -9 of the {point}, {times} times",
        BAR,
        f"{compared} of {compared.due:,} {of}",
        holds=compared.is_true,
    )
