"""Gaps in a replayed market, two seconds a minute, whose collector misses minutes: each is closed again."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from common.clock import MINUTE
from faults.stack.running import service_with_faults
from faults.stack.stages import empty_stack
from faults.weakening.weakenings import Build, Flaw
from harness.servers import Connection, Servers
from harness.stack import in_thread, upbit_at
from servers.services import ServiceProcess, until_ready
from servers.simulators import Simulator, simulator
from servers.waiting import eventually

MARKET = "KRW-BTC"
BEGIN = datetime(2026, 1, 13, 9)  # noqa: DTZ001  written with a Z
MINUTES, SPEED = 1440, 30
PATIENCE_SECONDS = 30.0
OUTAGE_SECONDS = (5.0, 8.0)
# A repair runs once a minute.
CLOSED_SECONDS = 75.0


async def holes(build: Build, chance: random.Random) -> AsyncGenerator[Flaw, None]:
    """Make candles late, kill the collector, make Upbit fail; see minutes that stay missing."""
    async with empty_stack({"markets": [MARKET]}) as (running, admin), _replay(running) as upbit:
        with ExitStack() as stack:
            world = _World(running, upbit, build, stack)
            await world.start()
            await eventually(lambda: _stored_since(admin, None), PATIENCE_SECONDS)
            for number in itertools.count():
                fault = (world.candles_late, world.collector_killed, world.upbit_failing)[number % 3]
                await fault(chance.uniform(*OUTAGE_SECONDS))
                yield await _hole(admin, fault.__name__.replace("_", " "))


class _World:
    """The collector and its exchange, and what may happen to them for some seconds."""

    def __init__(self, running: Servers, upbit: Simulator, build: Build, stack: ExitStack) -> None:
        self._running = running
        self._upbit = upbit
        self._build = build
        self._stack = stack
        self._collector: ServiceProcess

    async def start(self) -> None:
        environment = upbit_at(self._upbit, "replay")
        self._collector = self._stack.enter_context(
            service_with_faults(self._running, "collector", environment, *self._build)
        )
        await until_ready(self._collector)

    async def collector_killed(self, seconds: float) -> None:
        self._collector.kill()
        await asyncio.sleep(seconds)
        await self.start()

    async def upbit_failing(self, seconds: float) -> None:
        self._upbit.switch_on("http_error", status=503)
        await self._heal(seconds)

    async def candles_late(self, seconds: float) -> None:
        self._upbit.switch_on("newest_candle_late", minutes=3)
        await self._heal(seconds)

    async def _heal(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._upbit.switch_all_off()


@asynccontextmanager
async def _replay(running: Servers) -> AsyncIterator[Simulator]:
    path = running.folder / "day.csv"
    _record(path)
    replay = simulator("upbit_simulator", "--replay", str(path), "--speed", str(SPEED))
    async with in_thread(replay) as upbit:
        yield upbit


def _record(path: Path) -> None:
    """Write a recording with a trade in each minute, so that every minute must have its candle."""
    times = [BEGIN + number * MINUTE + timedelta(seconds=5) for number in range(MINUTES)]
    lines = [f"{moment.isoformat()}.000Z,{MARKET},{135_000_000}" for moment in times]
    path.write_text("\n".join(["exchange_time_utc,market,price_krw", *lines]) + "\n")


async def _hole(admin: Connection, fault: str) -> Flaw:
    """Wait until collecting has gone on, and then until no minute is missing; tell which stay so."""
    newest = await admin.fetchval("SELECT max(timestamp) FROM market_data")
    await eventually(lambda: _stored_since(admin, newest + 4 * MINUTE), PATIENCE_SECONDS)
    try:
        await eventually(lambda: _is_whole(admin), CLOSED_SECONDS)
    except AssertionError:
        return f"{await _missing(admin)} minutes stay missing ({fault})"
    return None


async def _stored_since(admin: Connection, since: datetime | None) -> bool:
    query = "SELECT EXISTS (SELECT FROM market_data WHERE $1::timestamptz IS NULL OR timestamp >= $1)"
    return bool(await admin.fetchval(query, since))


async def _is_whole(admin: Connection) -> bool:
    return await _missing(admin) == 0


async def _missing(admin: Connection) -> int:
    """Return how many minutes between the first and the last stored one have no candle."""
    missing: int = await admin.fetchval(
        "SELECT extract(epoch FROM max(timestamp) - min(timestamp))::int / 60 + 1 - count(*) FROM market_data"
    )
    return missing
