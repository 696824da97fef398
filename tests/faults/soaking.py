"""A stack that is only worked with, and everything that is seen of it meanwhile."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import httpx
import nats as nats_client

from acceptance.servers import Servers
from common.clock import MINUTE, closed_until
from common.events import CandlesClosed
from common.tasks import cancel_tasks
from faults.counted_tasks import counted_tasks
from faults.plan import SERVICES
from faults.random_faults import SETTINGS, exchange_time
from faults.recording import MARKETS
from faults.rig import Rig, rig
from faults.usage import Series, Usage
from servers.waiting import eventually

# As many as a decision looks back on, so that what it reads is as much at the start as at the end.
HISTORY_MINUTES = 1600
PREPARED_SECONDS = 50.0
CAUGHT_UP_SECONDS = 5.0
ASK_SECONDS = 1.0


@dataclass
class Outcome:
    """What a soak came to.

    Attributes:
        series: By service and kind, as in `Usage`, with `tasks`.
        made: How many pages of the first market, and how many signals, came while it was looked at.
        behind_minutes: By how much the slowest market was behind the exchange, at each look.
    """

    cycles: int
    speed: float
    series: Mapping[tuple[str, str], Series]
    made: tuple[int, int]
    behind_minutes: list[float]
    ends: list[str]


@dataclass
class Clients:
    """Those who ask a soaked stack for something once a second, as in an ordinary day."""

    behind_minutes: list[float] = field(default_factory=list)

    async def ask_health(self, made: Rig) -> None:
        """Read everything that health tells."""
        async with httpx.AsyncClient(base_url=made.health_url, timeout=5, trust_env=False) as client:
            while True:
                for path in ("/health", "/health/detail", "/api/v1/markets", "/metrics"):
                    await client.get(path)
                await asyncio.sleep(ASK_SECONDS)

    async def watch_the_store(self, made: Rig) -> None:
        """Compare the table with the exchange's time."""
        connection = await asyncpg.connect(made.running.postgres.url())
        try:
            while True:
                due = closed_until(await exchange_time(made))
                stored = await _stored_until(connection)
                self.behind_minutes.append((due - stored) / MINUTE)
                await asyncio.sleep(ASK_SECONDS)
        finally:
            connection.terminate()


async def soaked(recording: Path, cycles: int, speed: float) -> Outcome:
    """Start the stack over a recording, let it catch up, and look at it for so many of the minutes."""
    commands = {name: (sys.executable, "-P", "-m", "faults.counted_tasks", name) for name in SERVICES}
    settings = SETTINGS | {"signal_interval_minutes": 1}
    async with rig(
        recording, speed=speed, settings=settings, commands=commands, history_minutes=HISTORY_MINUTES
    ) as made:
        await eventually(lambda: _has_caught_up(made, speed), within=PREPARED_SECONDS)
        return await _looked_at(made, cycles, speed)


async def _looked_at(made: Rig, cycles: int, speed: float) -> Outcome:
    usage, clients = Usage(), Clients()
    looks = (usage.look(made), clients.ask_health(made), clients.watch_the_store(made))
    looking = [asyncio.create_task(look) for look in looks]
    began, before = time.time(), await _made(made.running)
    try:
        # One that ends has failed: nobody breaks anything here.
        ended, _ = await asyncio.wait(
            looking, timeout=cycles * 60 / speed, return_when=asyncio.FIRST_COMPLETED
        )
        for look in ended:
            look.result()
        pages, signals = await _made(made.running)
    finally:
        await cancel_tasks(looking)
    series: dict[tuple[str, str], Series] = dict(usage.seen)
    for name in SERVICES:
        file = made.running.folder / f"{name}.tasks"
        series[name, "tasks"] = counted_tasks(file, since=began, until=time.time())
    ends = [f"{name}, {times} times" for name, times in made.deaths.items()]
    came = (pages - before[0], signals - before[1])
    return Outcome(cycles, speed, series, came, clients.behind_minutes, ends)


async def _has_caught_up(made: Rig, speed: float) -> bool:
    # The exchange blocks an address that asks too often, and it is the collector's too.
    await asyncio.sleep(ASK_SECONDS)
    connection = await asyncpg.connect(made.running.postgres.url())
    try:
        due = closed_until(await exchange_time(made))
        return due - await _stored_until(connection) < timedelta(seconds=CAUGHT_UP_SECONDS * speed)
    finally:
        await connection.close()


async def _stored_until(connection: asyncpg.Connection[asyncpg.Record]) -> datetime:
    """Return the end of the newest candle of the slowest market; a market without one is at the year 2000."""
    newest: datetime = await connection.fetchval(_NEWEST, list(MARKETS))
    return newest + MINUTE


async def _made(running: Servers) -> tuple[int, int]:
    """Return how many pages of the first market the stream holds, and how many signals the table."""
    client = await nats_client.connect(running.nats.url())
    connection = await asyncpg.connect(running.postgres.url())
    try:
        subject = CandlesClosed.subject.format(market=MARKETS[0])
        state = (await client.jetstream().stream_info("MARKET", subjects_filter=subject)).state
        signals: int = await connection.fetchval("SELECT count(*) FROM trading_signals")
    finally:
        await connection.close()
        await client.close()
    return (state.subjects or {}).get(subject, 0), signals


_NEWEST = """
    SELECT min(coalesce((SELECT max(timestamp) FROM market_data WHERE symbol = wanted), '2000-01-01Z'))
    FROM unnest($1::text[]) AS wanted
"""
