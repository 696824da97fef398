"""Gap repair finds what is missing and what came late: the collector's parts on real servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import nats as nats_client
import pytest
from nats.js import JetStreamContext

from bongsu.servers.nats.server import NatsServer
from bongsu.servers.postgres.server import PostgresServer
from collector.candle_collector import CandleCollector
from collector.handlers import PAGES_AT_ONCE, CandleHandlers
from collector.jobs import CollectorJobs
from collector.repository import CandleRepository
from collector.upbit.client import UpbitClient
from common.bus.broker import Bus
from common.cache import TTLCache
from common.clock import MINUTE, ExchangeClock
from common.config.repository import ConfigRepository
from common.database.pool import Database, Share
from common.events import CandlesClosed
from common.jobs.tracking import JobRun
from common.streams import STORE_CANDLES
from common.tasks import cancel_tasks
from servers.simulators import Simulator, simulator
from servers.waiting import eventually

if TYPE_CHECKING:
    from integration.collector.conftest import Admin

MARKET = "KRW-BTC"
PAGES = f"market.candle.closed.{MARKET}"
# One exchange minute in 0.7 s: late enough to be missed once, and still within the patience of a test.
SPEED = 90
START = datetime(2026, 1, 13, 9, tzinfo=UTC)
# More than any test lets go by.
MINUTES = 600


@dataclass(frozen=True)
class Parts:
    """What a test drives by hand instead of by schedule."""

    upbit: UpbitClient
    collector: CandleCollector
    jobs: CollectorJobs
    after_a_restart: Callable[[], CollectorJobs]


@pytest.fixture
def upbit(tmp_path: Path) -> Iterator[Simulator]:
    lines = [
        f"{START + minute * MINUTE:%Y-%m-%dT%H:%M}:05.000Z,{MARKET},{135_000_000 + minute * 1000}"
        for minute in range(MINUTES)
    ]
    path = tmp_path / "ticks.csv"
    path.write_text("\n".join(["exchange_time_utc,market,price_krw", *lines]) + "\n")
    with simulator("upbit_simulator", "--replay", str(path), "--speed", str(SPEED)) as running:
        yield running


@pytest.fixture
def bus(fresh_nats: NatsServer) -> Bus:
    return Bus(fresh_nats.url("collector"), service="collector", instance="test")


@pytest.fixture
async def parts(postgres: PostgresServer, database: str, bus: Bus, upbit: Simulator) -> AsyncIterator[Parts]:
    clock = ExchangeClock()
    opened = Database(postgres.url("bongsu_collector", database), service="collector", share=Share(1, 4))
    repository, client = CandleRepository(opened), UpbitClient(upbit.url, source="replay", clock=clock)
    config = ConfigRepository(opened, TTLCache(), bus.publish)
    collector = CandleCollector(upbit=client, repository=repository, bus=bus, config=config, clock=clock)
    bus.consume(
        STORE_CANDLES,
        CandlesClosed,
        CandleHandlers(repository, clock).on_candles_closed,
        at_once=PAGES_AT_ONCE,
    )
    await opened.open()
    await bus.connect()
    await bus.start()

    def jobs() -> CollectorJobs:
        return CollectorJobs(collector=collector, repository=repository, bus=bus, config=config, clock=clock)

    yield Parts(client, collector, jobs(), jobs)
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

    await eventually(collected)


async def stores(admin: Admin, minutes: int) -> bool:
    return len(await stored_minutes(admin)) >= minutes


async def stores_minute(admin: Admin, minute: datetime) -> bool:
    return minute in await stored_minutes(admin)


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

    await eventually(repaired)
    minutes = await stored_minutes(admin)
    assert minutes == [minutes[0] + index * MINUTE for index in range(len(minutes))]


@pytest.mark.parametrize("repaired_before", [False, True])
async def test_a_restart_between_a_wrong_answer_and_the_repair_leaves_nothing_unasked(
    parts: Parts, admin: Admin, upbit: Simulator, *, repaired_before: bool
) -> None:
    await collect_until(parts, lambda: stores(admin, 3))
    if repaired_before:
        await parts.jobs.repair_gaps(JobRun("gap_repair"))
    upbit.switch_on("missing_candles", every=2)
    await collect_until(parts, lambda: has_empty_minutes(admin))
    upbit.switch_all_off()
    wrongly_empty = await admin.fetchval("SELECT min(from_time) FROM candle_gaps")
    # So long that a look back by ten minutes alone would not reach it.
    await collect_until(parts, lambda: stores_minute(admin, wrongly_empty + 15 * MINUTE))
    await parts.after_a_restart().repair_gaps(JobRun("gap_repair"))

    async def repaired() -> bool:
        return await statuses(admin) == {"repaired"}

    await eventually(repaired)


async def test_a_candle_that_upbit_corrects_later_becomes_a_new_revision(
    parts: Parts, admin: Admin, upbit: Simulator
) -> None:
    await collect_until(parts, lambda: stores(admin, 6))
    upbit.switch_on("revised_candle", minutes=4)
    await parts.jobs.repair_gaps(JobRun("gap_repair"))

    async def revised() -> bool:
        return bool(await admin.fetchval("SELECT max(revision) FROM market_data") == 2)

    await eventually(revised)


async def test_a_repair_that_finds_nothing_new_publishes_nothing(
    parts: Parts, admin: Admin, fresh_nats: NatsServer
) -> None:
    await collect_until(parts, lambda: stores(admin, 3))
    client = await nats_client.connect(fresh_nats.url())
    jetstream = client.jetstream()
    before = (await jetstream.stream_info("MARKET")).state.last_seq
    await parts.jobs.repair_gaps(JobRun("gap_repair"))
    assert (await jetstream.stream_info("MARKET")).state.last_seq == before
    await client.close()
    assert await admin.fetchval("SELECT count(*) FROM repair_progress") == 1


async def test_a_repair_does_not_go_ahead_of_what_was_collected(
    parts: Parts, admin: Admin, fresh_nats: NatsServer
) -> None:
    await collect_until(parts, lambda: stores(admin, 3))

    async def is_due() -> bool:
        await parts.upbit.ping(MARKET)
        return parts.collector.is_due(MARKET)

    await eventually(is_due)
    client = await nats_client.connect(fresh_nats.url())
    before = (await client.jetstream().stream_info("MARKET")).state.last_seq
    await parts.jobs.repair_gaps(JobRun("gap_repair"))
    assert (await client.jetstream().stream_info("MARKET")).state.last_seq == before
    await client.close()


async def test_a_repair_does_not_wait_for_pages_that_keep_coming(
    parts: Parts, admin: Admin, fresh_nats: NatsServer
) -> None:
    async def keep_coming() -> None:
        while True:
            if await pages_waiting(jetstream) < 10:
                await asyncio.gather(*(jetstream.publish(PAGES, b"") for _ in range(10)))

    await collect_until(parts, lambda: stores(admin, 6))
    before = await stored_minutes(admin)
    await admin.execute("DELETE FROM market_data WHERE timestamp = ANY($1::timestamptz[])", before[2:4])
    client = await nats_client.connect(fresh_nats.url())
    jetstream = client.jetstream()
    coming = asyncio.create_task(keep_coming())
    await eventually(lambda: pages_waiting(jetstream))
    run = JobRun("gap_repair")
    await parts.jobs.repair_gaps(run)
    await cancel_tasks([coming])
    await client.close()
    assert run.outcome == "ok"
    assert await statuses(admin) <= {"open", "repaired"}


async def pages_waiting(jetstream: JetStreamContext) -> int:
    """Return how many pages are not stored yet."""
    info = await jetstream.consumer_info(STORE_CANDLES.stream, STORE_CANDLES.name)
    return (info.num_pending or 0) + (info.num_ack_pending or 0)


async def test_a_row_that_vanished_is_noticed_and_fetched_again(parts: Parts, admin: Admin) -> None:
    await collect_until(parts, lambda: stores(admin, 6))
    before = await stored_minutes(admin)
    await admin.execute("DELETE FROM market_data WHERE timestamp = ANY($1::timestamptz[])", before[2:4])
    await parts.jobs.repair_gaps(JobRun("gap_repair"))

    async def back() -> bool:
        return before == (await stored_minutes(admin))[: len(before)]

    await eventually(back)
    assert [
        tuple(row) for row in await admin.fetch("SELECT from_time, to_time, status FROM candle_gaps")
    ] == [(before[2], before[4], "repaired")]
