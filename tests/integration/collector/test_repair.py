"""Does gap repair find what is missing and what came late? The collector's parts on real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bongsu.servers.nats import NatsServer
from bongsu.servers.postgres import PostgresServer
from collector.collect import CandleCollector
from collector.handlers import PAGES_AT_ONCE, on_candles_closed
from collector.jobs import LATE_DELIVERY, CollectorJobs
from collector.repository import CandleRepository
from collector.upbit import UpbitClient
from common.bus import Bus
from common.cache import TTLCache
from common.clock import MINUTE, ExchangeClock
from common.config_store import ConfigRepository
from common.database import Database, Share
from common.events import CandlesClosed
from common.streams import STORE_CANDLES
from common.telemetry.jobs import JobRun
from servers.simulators import Simulator, simulator
from servers.waiting import eventually

if TYPE_CHECKING:
    from integration.collector.conftest import Admin

MARKET = "KRW-BTC"
# One exchange minute in 0.7 s: late enough to be missed once, and still within the patience of a test.
SPEED = 90


@dataclass(frozen=True)
class Parts:
    """What a test drives by hand instead of by schedule; `begun_anew` is what the next process has."""

    upbit: UpbitClient
    collector: CandleCollector
    jobs: CollectorJobs
    clock: ExchangeClock
    begun_anew: Callable[[], Parts]


@pytest.fixture
def upbit(tmp_path: Path) -> Iterator[Simulator]:
    lines = [
        f"2026-01-13T09:{minute:02}:05.000Z,{MARKET},{135_000_000 + minute * 1000}" for minute in range(60)
    ]
    path = tmp_path / "hour.csv"
    path.write_text("\n".join(["exchange_time_utc,market,price_krw", *lines]) + "\n")
    with simulator("upbit_simulator", "--replay", str(path), "--speed", str(SPEED)) as running:
        yield running


@pytest.fixture
async def parts(
    postgres: PostgresServer, database: str, fresh_nats: NatsServer, upbit: Simulator
) -> AsyncIterator[Parts]:
    clock = ExchangeClock()
    bus = Bus(fresh_nats.url("collector"), service="collector", instance="test")
    opened = Database(postgres.url("bongsu_collector", database), service="collector", share=Share(1, 4))
    repository, client = CandleRepository(opened), UpbitClient(upbit.url, source="replay", clock=clock)
    config = ConfigRepository(opened, TTLCache(), bus.publish)

    def begun() -> Parts:
        collector = CandleCollector(upbit=client, repository=repository, bus=bus, config=config, clock=clock)
        jobs = CollectorJobs(collector=collector, repository=repository, bus=bus, config=config, clock=clock)
        return Parts(client, collector, jobs, clock, begun)

    bus.consume(STORE_CANDLES, CandlesClosed, on_candles_closed(repository), at_once=PAGES_AT_ONCE)
    await opened.open()
    await bus.connect()
    await bus.start()
    yield begun()
    await bus.stop_receiving()
    await bus.close()
    await client.close()
    await opened.close()


async def collect_until(parts: Parts, enough: Callable[[], Awaitable[bool]]) -> None:
    """Collect again and again, as the exchange's minutes go by."""

    async def collected() -> bool:
        # The ping tells the exchange's time, as the probe's does while the WebSocket is silent.
        await parts.upbit.ping(MARKET)
        await parts.collector.collect(MARKET)
        return await enough()

    await eventually(collected, 30.0)


async def stores(admin: Admin, minutes: int) -> bool:
    return len(await stored_minutes(admin)) >= minutes


async def has_empty_minutes(admin: Admin) -> bool:
    return await statuses(admin) == {"confirmed_empty"}


async def statuses(admin: Admin) -> set[str]:
    return {row["status"] for row in await admin.fetch("SELECT DISTINCT status FROM candle_gaps")}


async def stored_minutes(admin: Admin) -> list[datetime]:
    return [row["timestamp"] for row in await admin.fetch("SELECT timestamp FROM market_data ORDER BY 1")]


async def test_a_candle_that_upbit_delivers_late_is_stored_by_the_next_repair(
    parts: Parts, admin: Admin, upbit: Simulator
) -> None:
    await collect_until(parts, lambda: stores(admin, 3))
    upbit.switch_on("newest_candle_late", minutes=3)
    await collect_until(parts, lambda: has_empty_minutes(admin))
    upbit.switch_all_off()
    await parts.jobs.repair_gaps(JobRun("gap_repair"))

    async def repaired() -> bool:
        return await statuses(admin) == {"repaired"}

    await eventually(repaired, 10.0)
    minutes = await stored_minutes(admin)
    assert minutes == [minutes[0] + index * MINUTE for index in range(len(minutes))]


async def test_a_candle_that_came_late_while_nobody_collected_is_stored_by_the_next_process(
    parts: Parts, admin: Admin, upbit: Simulator
) -> None:
    await collect_until(parts, lambda: stores(admin, 3))
    upbit.switch_on("newest_candle_late", minutes=3)
    await collect_until(parts, lambda: has_empty_minutes(admin))
    upbit.switch_all_off()
    ended = parts.clock.now

    async def long_gone() -> bool:
        await parts.upbit.ping(MARKET)
        assert ended is not None
        assert parts.clock.now is not None
        return parts.clock.now > ended + LATE_DELIVERY + 2 * MINUTE

    await eventually(long_gone, 30.0)
    after = parts.begun_anew()
    await after.collector.collect(MARKET)
    await after.jobs.repair_gaps(JobRun("gap_repair"))

    async def repaired() -> bool:
        return await statuses(admin) == {"repaired"}

    await eventually(repaired, 10.0)


async def test_a_row_that_vanished_is_noticed_and_fetched_again(parts: Parts, admin: Admin) -> None:
    await collect_until(parts, lambda: stores(admin, 6))
    before = await stored_minutes(admin)
    await admin.execute("DELETE FROM market_data WHERE timestamp = ANY($1::timestamptz[])", before[2:4])
    await parts.jobs.repair_gaps(JobRun("gap_repair"))

    async def back() -> bool:
        return before == (await stored_minutes(admin))[: len(before)]

    await eventually(back, 10.0)
    assert [
        tuple(row) for row in await admin.fetch("SELECT from_time, to_time, status FROM candle_gaps")
    ] == [(before[2], before[4], "repaired")]
