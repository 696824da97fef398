"""A day without a fault, faster than it is: does a service's memory, or anything else it holds, grow?"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import httpx
import nats as nats_client

from acceptance.promise import Finding
from acceptance.servers import Servers, scratch_folder
from common.clock import MINUTE, closed_until
from common.ending import end_tasks
from common.events import CandlesClosed
from faults.counted_tasks import counted_tasks
from faults.plan import SERVICES
from faults.random_faults import SETTINGS, exchange_time
from faults.recording import MARKETS, write_recording
from faults.rig import Rig, rig
from faults.usage import MEGABYTE, Series, Usage, grown, slope
from servers.waiting import eventually

PROMISE = "soak"
# As many as a decision looks back on, so that what it reads is as much at the start as at the end.
HISTORY_MINUTES = 1600
# From the start of the stack until everything behind it is stored, and as much to spare at the end.
SPARE_SECONDS = 60
PREPARED_SECONDS = 50.0
ASK_SECONDS = 1.0
MOST_SLOPE = 1.0
MOST_GROWN = 1.0
# Wall time: what comes once a minute on the clock, like the repair, makes everybody wait for a moment.
MOST_BEHIND_SECONDS = 5.0
LEAST_CYCLES_SHARE = 0.9
FLAT = ("files", "threads", "connections", "tasks")


@dataclass
class Outcome:
    """What a soak came to.

    Attributes:
        series: By service and kind, as in `Usage`, with `tasks`.
        pages: How many the first market has got while it was looked at.
        behind_minutes: By how much the slowest market was behind the exchange, at each look.
    """

    cycles: int
    speed: float
    series: Mapping[tuple[str, str], Series]
    pages: int
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
                for path in ("/health", "/health/detail", "/api/overview", "/metrics"):
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


async def measure(seed: int, cycles: int = 1440, speed: float = 60.0) -> list[Finding]:
    """Replay so many minutes, `speed` times faster, while somebody looks and asks every second."""
    chance = random.Random(seed)
    with scratch_folder() as folder:
        minutes = HISTORY_MINUTES + cycles + int(2 * SPARE_SECONDS * speed / 60)
        write_recording(folder / "recording.json", seed=chance.randrange(1 << 30), minutes=minutes)
        outcome = await _soaked(folder / "recording.json", cycles, speed)
    return findings(outcome)


async def _soaked(recording: Path, cycles: int, speed: float) -> Outcome:
    commands = {name: (sys.executable, "-P", "-m", "faults.counted_tasks", name) for name in SERVICES}
    settings = SETTINGS | {"signal_interval_minutes": 1}
    async with rig(
        recording, speed=speed, settings=settings, commands=commands, history_minutes=HISTORY_MINUTES
    ) as made:
        await eventually(lambda: _has_caught_up(made), within=PREPARED_SECONDS)
        return await _looked_at(made, cycles, speed)


async def _looked_at(made: Rig, cycles: int, speed: float) -> Outcome:
    usage, clients = Usage(), Clients()
    looks = (usage.look(made), clients.ask_health(made), clients.watch_the_store(made))
    looking = [asyncio.create_task(look) for look in looks]
    began, pages = time.time(), await _pages(made.running)
    try:
        # One that ends has failed: nobody breaks anything here.
        ended, _ = await asyncio.wait(
            looking, timeout=cycles * 60 / speed, return_when=asyncio.FIRST_COMPLETED
        )
        for look in ended:
            look.result()
        pages = await _pages(made.running) - pages
    finally:
        await end_tasks(looking)
    series: dict[tuple[str, str], Series] = dict(usage.seen)
    for name in SERVICES:
        file = made.running.folder / f"{name}.tasks"
        series[name, "tasks"] = counted_tasks(file, since=began, until=time.time())
    ends = [f"{name}, {times} times" for name, times in made.deaths.items()]
    return Outcome(cycles, speed, series, pages, clients.behind_minutes, ends)


async def _has_caught_up(made: Rig) -> bool:
    connection = await asyncpg.connect(made.running.postgres.url())
    try:
        due = closed_until(await exchange_time(made))
        return due - await _stored_until(connection) < timedelta(minutes=10)
    finally:
        await connection.close()


async def _stored_until(connection: asyncpg.Connection[asyncpg.Record]) -> datetime:
    """Return the end of the newest candle of the slowest market; a market without one is at the year 2000."""
    newest: datetime = await connection.fetchval(_NEWEST, list(MARKETS))
    return newest + MINUTE


async def _pages(running: Servers) -> int:
    """Return how many pages of the first market the stream holds."""
    client = await nats_client.connect(running.nats.url())
    try:
        subject = CandlesClosed.subject.format(market=MARKETS[0])
        state = (await client.jetstream().stream_info("MARKET", subjects_filter=subject)).state
        return (state.subjects or {}).get(subject, 0)
    finally:
        await client.close()


def findings(outcome: Outcome) -> list[Finding]:
    """Return the rows of one soak."""
    rows = [_memory(outcome, service) for service in SERVICES]
    rows += [_flat(outcome, kind) for kind in FLAT]
    least = int(LEAST_CYCLES_SHARE * outcome.cycles)
    behind = max(outcome.behind_minutes) * 60 / outcome.speed
    return [
        *rows,
        Finding(
            PROMISE,
            f"pages a market, {outcome.cycles:,} cycles at {outcome.speed:g}x",
            f">= {least:,}",
            f"{outcome.pages:,}",
            outcome.pages >= least,
        ),
        Finding(
            PROMISE,
            "behind the exchange",
            f"< {MOST_BEHIND_SECONDS:g} s",
            f"{behind:.1f} s at most, in {len(outcome.behind_minutes):,} looks",
            holds=behind < MOST_BEHIND_SECONDS,
        ),
        Finding(PROMISE, "services ended", "0", ", ".join(outcome.ends) or "0", holds=not outcome.ends),
    ]


def _memory(outcome: Outcome, service: str) -> Finding:
    series = outcome.series[service, "memory"]
    a_second = slope(series) / MEGABYTE
    simulated = a_second * 3600 / outcome.speed
    last = series[-1][1] / MEGABYTE
    return Finding(
        PROMISE,
        f"memory of {service}",
        f"< {MOST_SLOPE:g} MB a simulated hour",
        f"{simulated:+.3f} MB ({a_second * 3600:+.1f} MB an hour of the wall), {last:.0f} MB at the end",
        holds=simulated < MOST_SLOPE,
    )


def _flat(outcome: Outcome, kind: str) -> Finding:
    by_service = {service: outcome.series[service, kind] for service in SERVICES}
    told = [
        f"{service} {grown(series):+g}, {max(value for _, value in series):g} at most"
        for service, series in by_service.items()
    ]
    holds = all(grown(series) <= MOST_GROWN for series in by_service.values())
    return Finding(PROMISE, kind, f"median grows <= {MOST_GROWN:g}", "; ".join(told), holds=holds)


_NEWEST = """
    SELECT min(coalesce((SELECT max(timestamp) FROM market_data WHERE symbol = wanted), '2000-01-01Z'))
    FROM unnest($1::text[]) AS wanted
"""
