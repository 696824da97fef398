"""Soak test: a day without a fault in fast motion, in which nothing that a service holds may grow."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from common.clock import MINUTE, closed_until
from common.events import CandlesClosed
from common.tasks import cancel_tasks
from faults.inputs.plan import SERVICES
from faults.inputs.recording import MARKETS, write_recording
from faults.oracles.usage import MEGABYTE, Series, Usage, grown, slope
from faults.runs.random_faults import SETTINGS, exchange_time
from faults.stack.counted_tasks import counted_tasks
from faults.stack.supervised import SupervisedStack, supervised_stack
from harness.finding import Finding
from harness.servers import Connection, Servers, nats_connection, postgres_connection, scratch_folder
from servers.waiting import eventually

PROMISE = "soak"
# From the start of the stack until everything due before it is stored, and as much to spare at the end.
SPARE_SECONDS = 60
MOST_SLOPE = 1.0
MOST_GROWN = 1.0
# On the clock of the wall.
MOST_BEHIND_SECONDS = 5.0
LEAST_SHARE = 0.9
FLAT = ("files", "threads", "connections", "tasks")
# As many as a decision looks back on, so that what it reads is as much at the start as at the end.
HISTORY_MINUTES = 1600
PREPARED_SECONDS = 50.0
CAUGHT_UP_SECONDS = 5.0
ASK_SECONDS = 1.0
_NEWEST = """
    SELECT min(coalesce((SELECT max(timestamp) FROM market_data WHERE symbol = wanted), '2000-01-01Z'))
    FROM unnest($1::text[]) AS wanted
"""


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


async def measure(seed: int, cycles: int = 1440, speed: float = 120.0) -> list[Finding]:
    """Replay so many minutes, `speed` times faster, while somebody looks and asks every second.

    Args:
        cycles: With less than about 500 the services still warm up, and their memory grows.
        speed: At 120 a minute of each market is a page of its own; from about 180 on some share one.
    """
    chance = random.Random(seed)
    with scratch_folder() as folder:
        minutes = HISTORY_MINUTES + cycles + int(2 * SPARE_SECONDS * speed / 60)
        write_recording(folder / "recording.json", seed=chance.randrange(1 << 30), minutes=minutes)
        outcome = await soaked(folder / "recording.json", cycles, speed)
    return findings(outcome)


def findings(outcome: Outcome) -> list[Finding]:
    """Return the rows of one soak."""
    rows = [_memory(outcome, service) for service in SERVICES]
    rows += [_flat(outcome, kind) for kind in FLAT]
    behind = max(outcome.behind_minutes) * 60 / outcome.speed
    return [
        *rows,
        _cycles(outcome),
        Finding(
            PROMISE,
            "behind the exchange",
            f"< {MOST_BEHIND_SECONDS:g} s",
            f"{behind:.1f} s at most, in {len(outcome.behind_minutes):,} looks",
            holds=behind < MOST_BEHIND_SECONDS,
        ),
        Finding(PROMISE, "services ended", "0", ", ".join(outcome.ends) or "0", holds=not outcome.ends),
    ]


def _cycles(outcome: Outcome) -> Finding:
    """Tell whether there was a page a minute, and decisions in time: otherwise less was done than it says."""
    pages, signals = outcome.made
    least = int(LEAST_SHARE * outcome.cycles)
    return Finding(
        PROMISE,
        f"{outcome.cycles:,} cycles at {outcome.speed:g}x",
        f">= {least:,} pages a market, {len(MARKETS) * least:,} signals",
        f"{pages:,} pages, {signals:,} signals",
        holds=pages >= least and signals >= len(MARKETS) * least,
    )


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
    shown = [
        f"{service} {grown(series):+g}, {max(value for _, value in series):g} at most"
        for service, series in by_service.items()
    ]
    holds = all(grown(series) <= MOST_GROWN for series in by_service.values())
    return Finding(PROMISE, kind, f"median grows <= {MOST_GROWN:g}", "; ".join(shown), holds=holds)


@dataclass
class Clients:
    """Those who ask a soaked stack for something once a second, as in an ordinary day."""

    behind_minutes: list[float] = field(default_factory=list)

    async def ask_health(self, made: SupervisedStack) -> None:
        """Read everything that health tells."""
        async with httpx.AsyncClient(base_url=made.health_url, timeout=5, trust_env=False) as client:
            while True:
                for path in ("/health", "/health/detail", "/api/v1/markets", "/metrics"):
                    await client.get(path)
                await asyncio.sleep(ASK_SECONDS)

    async def watch_the_store(self, made: SupervisedStack) -> None:
        """Compare the table with the exchange's time."""
        async with postgres_connection(made.running.postgres.url()) as connection:
            while True:
                due = closed_until(await exchange_time(made))
                stored = await _stored_until(connection)
                self.behind_minutes.append((due - stored) / MINUTE)
                await asyncio.sleep(ASK_SECONDS)


async def soaked(recording: Path, cycles: int, speed: float) -> Outcome:
    """Start the stack over a recording, let it catch up, and look at it for so many of the minutes."""
    commands = {name: (sys.executable, "-P", "-m", "faults.stack.counted_tasks", name) for name in SERVICES}
    settings = SETTINGS | {"signal_interval_minutes": 1}
    async with supervised_stack(
        recording, speed=speed, settings=settings, commands=commands, history_minutes=HISTORY_MINUTES
    ) as made:
        await eventually(lambda: _has_caught_up(made, speed), within=PREPARED_SECONDS)
        return await _looked_at(made, cycles, speed)


async def _looked_at(made: SupervisedStack, cycles: int, speed: float) -> Outcome:
    usage, clients = Usage(), Clients()
    looks = (usage.look(made), clients.ask_health(made), clients.watch_the_store(made))
    looking = [asyncio.create_task(look) for look in looks]
    began, before = time.time(), await _made(made.running)
    try:
        # One that ends has failed: nothing is broken on purpose here.
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


async def _has_caught_up(made: SupervisedStack, speed: float) -> bool:
    # The exchange blocks an address that asks too often, and it is the collector's too.
    await asyncio.sleep(ASK_SECONDS)
    async with postgres_connection(made.running.postgres.url()) as connection:
        due = closed_until(await exchange_time(made))
        return due - await _stored_until(connection) < timedelta(seconds=CAUGHT_UP_SECONDS * speed)


async def _stored_until(connection: Connection) -> datetime:
    """Return the end of the newest candle of the slowest market; a market without one is at the year 2000."""
    newest: datetime = await connection.fetchval(_NEWEST, list(MARKETS))
    return newest + MINUTE


async def _made(running: Servers) -> tuple[int, int]:
    """Return how many pages of the first market the stream holds, and how many signals the table."""
    async with (
        nats_connection(running.nats.url()) as client,
        postgres_connection(running.postgres.url()) as connection,
    ):
        subject = CandlesClosed.subject.format(market=MARKETS[0])
        state = (await client.jetstream().stream_info("MARKET", subjects_filter=subject)).state
        signals: int = await connection.fetchval("SELECT count(*) FROM trading_signals")
    return (state.subjects or {}).get(subject, 0), signals
