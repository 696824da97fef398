"""Stacks that benches run on: the one of `make run`, and one over many markets from a recording."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bongsu.servers import ports
from common.clock import MINUTE
from faults.inputs.recording import FIRST, write_recording
from harness.servers import Connection, Servers, postgres_connection, scratch_folder, servers
from harness.stack import gemini_at, in_thread, upbit_at
from servers.services import ServiceProcess, service
from servers.simulators import Simulator, simulator
from servers.waiting import eventually
from system.conftest import Run
from upbit_simulator.recorded.clock_anchor import replay_clock
from upbit_simulator.recorded.recording import load_recording

# What a decision looks back on.
HISTORY_MINUTES = 1500
# Reading so long a recording takes the simulator less than this.
START_SECONDS = 30.0
HEALTHY_SECONDS = 60.0

_HISTORY = """
INSERT INTO market_data
    (symbol, timestamp, open, high, low, close, volume, trade_value, source, collected_at)
SELECT symbol, minute, 100000000, 100100000, 99900000, 100000000 + extract(minute FROM minute) * 1000,
    2, 200000000, 'simulator', minute + interval '62 seconds'
FROM unnest($1::text[]) AS symbol,
    generate_series($2::timestamptz, $3::timestamptz - interval '1 minute', interval '1 minute') AS minute
"""


@asynccontextmanager
async def whole_stack(folder: Path | None = None) -> AsyncIterator[Run]:
    """Run `bongsu up` until it is healthy; stops it in the end."""
    with scratch_folder() as scratch:
        run = Run(folder or scratch / "data")
        try:
            await asyncio.to_thread(run.until_up)
            await eventually(lambda: run.health().get("status") == "healthy", HEALTHY_SECONDS)
            yield run
        finally:
            await asyncio.to_thread(run.stop)


@dataclass(frozen=True)
class ManyMarkets:
    """What runs.

    Attributes:
        begun: Wall time (Unix s) at which the exchange's clock stood at the recording's first minute.
    """

    running: Servers
    upbit: Simulator
    gemini: Simulator
    services: dict[str, ServiceProcess]
    markets: tuple[str, ...]
    begun: float

    def exchange_time(self) -> datetime:
        """Return the exchange's time now."""
        return datetime.fromtimestamp(FIRST.timestamp() + time.time() - self.begun, UTC)


def codes(count: int) -> tuple[str, ...]:
    """Return so many market codes."""
    return ("KRW-BTC", *(f"KRW-M{number:03}" for number in range(1, count)))


@asynccontextmanager
async def many_markets(count: int, *, minutes: int, interval_minutes: int) -> AsyncIterator[ManyMarkets]:
    """Start everything with a day of history stored; the recording goes on from there.

    Args:
        minutes: How long the recording lasts.
        interval_minutes: How often a signal is decided.
    """
    markets = codes(count)
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(servers())
        await _prepare(running, markets, interval_minutes)
        recording, anchor = running.folder / "recording.json", running.folder / "clock.json"
        write_recording(recording, seed=1, minutes=minutes, markets=markets)
        begun = _anchored(recording, anchor)
        replay = ("--replay", str(recording), "--anchor", str(anchor))
        upbit = await stack.enter_async_context(in_thread(simulator("upbit_simulator", *replay)))
        gemini = await stack.enter_async_context(in_thread(simulator("gemini_simulator")))
        own = {
            "collector": upbit_at(upbit),
            "signaler": gemini_at(gemini),
            "health": {"HEALTH_PORT": str(ports.free_port())},
        }
        services = {
            name: stack.enter_context(
                service(name, running.folder / f"{name}.log", **running.urls(name), **more)
            )
            for name, more in own.items()
        }
        yield ManyMarkets(running, upbit, gemini, services, markets, begun)


async def store_history(connection: Connection, markets: tuple[str, ...], *, minutes: int) -> None:
    """Store a candle for each of so many minutes before the recording begins."""
    await connection.execute(_HISTORY, markets, FIRST - minutes * MINUTE, FIRST)


def _anchored(recording: Path, anchor: Path) -> float:
    """Write the clock's start; the exchange's minutes begin with the wall's, as the real one's do."""
    begun = ((time.time() + START_SECONDS) // 60 + 1) * 60
    replay_clock(load_recording(recording), speed=1.0, path=anchor, wall=lambda: begun)
    return begun


async def _prepare(running: Servers, markets: tuple[str, ...], interval_minutes: int) -> None:
    settings = {
        "markets": list(markets),
        "signal_interval_minutes": interval_minutes,
        "gemini_daily_request_budget": 1_000_000,
        "gemini_daily_cost_budget_usd": "10000",
    }
    async with postgres_connection(running.postgres.url()) as connection:
        await connection.executemany(
            "INSERT INTO system_config (key, value) VALUES ($1, $2)",
            [(key, json.dumps(value)) for key, value in settings.items()],
        )
        await store_history(connection, markets, minutes=HISTORY_MINUTES)
        await connection.executemany(
            "INSERT INTO repair_progress (symbol, looked_until) VALUES ($1, $2)",
            [(market, FIRST) for market in markets],
        )
        await connection.execute("ANALYZE")
