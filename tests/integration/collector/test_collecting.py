"""The collector as a process, on a real PostgreSQL, a real nats-server and the Upbit simulator."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bongsu.servers.nats.server import NatsServer
from bongsu.servers.postgres.server import PostgresServer
from common.clock import MINUTE
from servers.services import ServiceProcess, service
from servers.simulators import Simulator, simulator
from servers.waiting import eventually

if TYPE_CHECKING:
    from integration.collector.conftest import Admin

StartCollector = Callable[[], AbstractContextManager[ServiceProcess]]
SPEED = 240


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Six hours of ticks, one a minute; every seventh minute without a trade."""
    start = datetime(2026, 1, 13, 9, 0, tzinfo=UTC)
    lines = ["exchange_time_utc,market,price_krw"]
    lines += [
        f"{start + minute * MINUTE:%Y-%m-%dT%H:%M}:05.000Z,KRW-BTC,{135_000_000 + minute * 1000}"
        for minute in range(360)
        if minute % 7 or minute == 0
    ]
    path = tmp_path / "ticks.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def upbit(recording: Path) -> Iterator[Simulator]:
    with simulator("upbit_simulator", "--replay", str(recording), "--speed", str(SPEED)) as running:
        yield running


@pytest.fixture
def start_collector(
    postgres: PostgresServer, database: str, fresh_nats: NatsServer, upbit: Simulator, tmp_path: Path
) -> StartCollector:
    def start() -> AbstractContextManager[ServiceProcess]:
        return service(
            "collector",
            tmp_path / "collector.log",
            DATABASE_URL=postgres.url("bongsu_collector", database),
            NATS_URL=fresh_nats.url("collector"),
            UPBIT_BASE_URL=upbit.url,
            MARKET_SOURCE="replay",
        )

    return start


async def stored(admin: Admin) -> dict[datetime, Decimal]:
    return {
        row["timestamp"]: row["close"]
        for row in await admin.fetch("SELECT timestamp, close FROM market_data")
    }


async def covered_minutes(admin: Admin) -> set[datetime]:
    """Return every minute that is a candle or proven empty."""
    minutes = set(await stored(admin))
    for row in await admin.fetch("SELECT from_time, to_time FROM candle_gaps WHERE status <> 'open'"):
        minutes |= minutes_between(row["from_time"], row["to_time"])
    return minutes


def minutes_between(start: datetime, end: datetime) -> set[datetime]:
    return {start + index * MINUTE for index in range(int((end - start) / MINUTE))}


def recorded(path: Path) -> dict[datetime, Decimal]:
    rows = (line.split(",") for line in path.read_text(encoding="utf-8").splitlines()[1:])
    return {datetime.fromisoformat(f"{moment[:16]}+00:00"): Decimal(price) for moment, _, price in rows}


def closed_now(upbit: Simulator) -> datetime:
    now = datetime.fromisoformat(upbit.get("/_control/clock")["now"].replace("Z", "+00:00"))
    return (now - timedelta(seconds=62)).replace(second=0, microsecond=0)


async def assert_whole_until_now(admin: Admin, upbit: Simulator, recording: Path) -> None:
    """Wait until everything that is closed now is stored or proven empty, and nothing is invented."""
    wanted = recorded(recording)
    due = minutes_between(min(wanted), closed_now(upbit) + MINUTE)

    async def whole() -> bool:
        return due <= await covered_minutes(admin)

    await eventually(whole)
    found = await stored(admin)
    assert found.items() <= wanted.items()
    assert due - set(found) == due - set(wanted)
    query = "SELECT count(*) FROM candle_gaps WHERE status = 'open' AND from_time <= $1"
    assert await admin.fetchval(query, max(due)) == 0


def ten_candles(admin: Admin) -> Callable[[], Coroutine[None, None, bool]]:
    async def stored_already() -> bool:
        return len(await stored(admin)) >= 10

    return stored_already


async def test_every_recorded_candle_arrives_and_every_empty_minute_is_proven(
    start_collector: StartCollector, admin: Admin, upbit: Simulator, recording: Path
) -> None:
    with start_collector() as collector:
        await eventually(ten_candles(admin))
        await assert_whole_until_now(admin, upbit, recording)
        assert collector.stop() == 0
    sources = await admin.fetch("SELECT DISTINCT source FROM market_data")
    evidence = await admin.fetch("SELECT DISTINCT evidence, status FROM candle_gaps")
    assert [row["source"] for row in sources] == ["replay"]
    assert [tuple(row) for row in evidence] == [("replay", "confirmed_empty")]


async def test_a_killed_collector_fills_its_hole_when_it_comes_back(
    start_collector: StartCollector, admin: Admin, upbit: Simulator, recording: Path
) -> None:
    with start_collector() as collector:
        await eventually(ten_candles(admin))
        collector.kill()
    before = closed_now(upbit)
    await eventually(lambda: closed_now(upbit) >= before + 5 * MINUTE)
    with start_collector() as collector:
        await assert_whole_until_now(admin, upbit, recording)


REST_FAULTS: dict[str, dict[str, object]] = {
    "rate_limited": {"seconds": 1},
    "http_error": {"count": 1, "params": {"status": 503}},
    "html_page": {"count": 1},
    "truncated_json": {"count": 1},
    "reset": {"count": 1},
    "hang": {"count": 1},
    "duplicate_candles": {"seconds": 1},
    "out_of_order": {"seconds": 1},
    "future_candle": {"seconds": 1},
    "bad_values": {"count": 1, "params": {"value": "negative"}},
}
# What is refused or stalls is a new connection, so the old one is closed first.
WEBSOCKET_FAULTS: dict[str, dict[str, object]] = {
    "ws_half_frame": {"count": 1},
    "ws_error_frame": {"count": 1},
    "ws_refuse": {"count": 1},
    "ws_stall": {"seconds": 2},
    "ws_close": {"count": 1},
}


@pytest.mark.parametrize("faults", [REST_FAULTS, WEBSOCKET_FAULTS], ids=["rest", "websocket"])
async def test_no_fault_of_upbit_loses_or_invents_a_candle(
    start_collector: StartCollector,
    admin: Admin,
    upbit: Simulator,
    recording: Path,
    faults: dict[str, dict[str, object]],
) -> None:
    with start_collector() as collector:
        await eventually(ten_candles(admin))
        for kind, how in faults.items():
            status, _ = upbit.post("/_control/faults", {"kind": kind, **how})
            assert status == 201, kind
            if kind == "ws_refuse":
                upbit.post("/_control/faults", {"kind": "ws_close", "count": 1})
            await eventually(lambda: not upbit.get("/_control/faults")["active"])
            await assert_whole_until_now(admin, upbit, recording)
        assert collector.stop() == 0


async def test_a_killed_bus_or_database_loses_no_candle(
    start_collector: StartCollector,
    admin: Admin,
    upbit: Simulator,
    recording: Path,
    fresh_nats: NatsServer,
) -> None:
    with start_collector() as collector:
        await eventually(ten_candles(admin))
        fresh_nats.kill()
        fresh_nats.start()
        await assert_whole_until_now(admin, upbit, recording)
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'bongsu.collector' AND datname = current_database()"
        )
        await assert_whole_until_now(admin, upbit, recording)
        assert collector.stop() == 0


async def test_a_block_by_upbit_is_answered_with_silence(
    start_collector: StartCollector, admin: Admin, upbit: Simulator
) -> None:
    with start_collector():
        await eventually(ten_candles(admin))
        upbit.post("/_control/faults", {"kind": "blocked", "count": 1, "params": {"block_seconds": 60}})

        def refused() -> int:
            rows = upbit.get("/_control/stats")["requests"]
            return sum(row["count"] for row in rows if row["status"] == 418)

        await eventually(refused)
        began = closed_now(upbit)
        # What was on its way when the block began is refused too.
        await eventually(lambda: closed_now(upbit) >= began + 4 * MINUTE)
        first = refused()
        now = closed_now(upbit)
        await eventually(lambda: closed_now(upbit) >= now + 12 * MINUTE)
        assert refused() == first
