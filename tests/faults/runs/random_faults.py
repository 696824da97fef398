"""Random faults on real processes: nothing is lost, doubled or missing, and recovery takes seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx

from common.clock import closed_until
from common.tasks import cancel_tasks
from faults.inputs.load_generator import CANDLES_A_PAGE, MARKET, LoadGenerator
from faults.inputs.plan import KINDS, PROCESSES, Fault, plan
from faults.inputs.recording import MARKETS, Recording, write_recording
from faults.oracles.invariants import doubled, due_minutes, lost, missing
from faults.oracles.sampling import Samples, leaks
from faults.oracles.service_logs import hasty
from faults.stack.breaking import break_by_plan
from faults.stack.supervised import LOAD, Command, SupervisedStack, supervised_stack
from harness.finding import Finding
from harness.records import read_streams, read_tables
from harness.servers import scratch_folder

SPEED = 60.0
MINUTES = 600
PAUSE_SECONDS = 0.75
SETTINGS = {
    "markets": list(MARKETS),
    "signal_interval_minutes": 5,
    "gemini_daily_request_budget": 100_000,
    "gemini_daily_cost_budget_usd": "10000",
    "gemini_timeout_seconds": 5,
}
PREPARED_SECONDS = 40.0
CAUGHT_UP_SECONDS = 5.0
PATIENCE_SECONDS = 60.0
# A gap is a due minute that is absent 60 s after the exchange serves it again; some seconds to look.
REPAIRED_SECONDS = 75.0
SETTLED_SECONDS = 10.0
LOOK_SECONDS = 0.1
SHOWN = 3
REPLICAS = {"collector": 3, "signaler": 3, "health": 3}
REPLICA_FAULTS = 60


@dataclass
class Outcome:
    """What a run came to; the lists are [] when all is well."""

    faults: list[Fault]
    load: LoadGenerator
    samples: Samples
    caught_up_seconds: float
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    hasty: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    candles: int = 0
    signals: int = 0
    restarts: int = 0

    @property
    def is_sound(self) -> bool:
        """True when nothing was lost, doubled, missing or leaked, and no message handed back too often."""
        return not (self.lost or self.doubled or self.missing or self.dead or self.hasty or self.leaks)


async def measure(seed: int, count: int = 200) -> list[Finding]:
    """Break the stack `count` times by the plan of this seed."""
    outcome = await broken(seed, count)
    return findings(outcome, f"{count} random faults, seed {seed}")


async def measure_replicas(seed: int) -> list[Finding]:
    """Run three of each service; kill, freeze and terminate only."""
    outcome = await broken(seed, REPLICA_FAULTS, replicas=REPLICAS, kinds=("kill", "freeze", "terminate"))
    return findings(outcome, f"3 replicas of each service, {REPLICA_FAULTS} kills and freezes")


async def broken(
    seed: int,
    count: int,
    *,
    replicas: Mapping[str, int] | None = None,
    commands: Mapping[str, Command] | None = None,
    kinds: Sequence[str] = KINDS,
    prepare: Callable[[str], Awaitable[None]] | None = None,
) -> Outcome:
    """Run the stack over a made-up recording, break it by plan, let it recover, and look at everything.

    Args:
        replicas, commands: As `supervised_stack` takes them.
        kinds: Of faults.
        prepare: What is done to the database, by its URL as bongsu_admin, once all is healthy.
    """
    with scratch_folder() as folder:
        recording = write_recording(folder / "recording.json", seed=seed, minutes=MINUTES)
        async with supervised_stack(
            folder / "recording.json", speed=SPEED, settings=SETTINGS, replicas=replicas, commands=commands
        ) as made:
            names = [*PROCESSES, *(name for name in made.processes if name not in PROCESSES)]
            faults = plan(seed, count, pause_seconds=PAUSE_SECONDS, kinds=kinds, processes=names)
            await _until(lambda: _is_healthy(made), PREPARED_SECONDS)
            if prepare:
                await prepare(made.running.postgres.url())
            return await _broken(made, recording, faults)


async def _broken(made: SupervisedStack, recording: Recording, faults: Sequence[Fault]) -> Outcome:
    load, samples = LoadGenerator(), Samples()
    publishing = asyncio.create_task(
        load.publish(made.proxies[f"{LOAD}>nats"].url(made.running.nats.url("collector")))
    )
    looking = [
        asyncio.create_task(samples.count_connections(made)),
        asyncio.create_task(samples.ask_health(made)),
    ]
    try:
        await break_by_plan(made, faults)
        await cancel_tasks([publishing])
        outcome = Outcome(list(faults), load, samples, await _catch_up(made, recording, load))
        due = closed_until(await exchange_time(made))
        await _until(lambda: _is_whole(made, recording, due), REPAIRED_SECONDS)
        await _until(lambda: _is_sound(made, recording, outcome, due), SETTLED_SECONDS)
    finally:
        await cancel_tasks([publishing, *looking])
    outcome.leaks = await leaks(made, samples)
    outcome.hasty = hasty(made.logs)
    outcome.unexpected = list(made.unexpected)
    outcome.restarts = sum(made.deaths.values())
    return outcome


async def _is_whole(made: SupervisedStack, recording: Recording, due: datetime) -> bool:
    tables = await read_tables(made.running.postgres.url())
    return not missing(recording, tables, due) and await _is_healthy(made)


async def _is_sound(made: SupervisedStack, recording: Recording, outcome: Outcome, due: datetime) -> bool:
    """Look at everything; what is written down of the last look is what the run came to."""
    # The stack goes on: what is in a stream must be in a table read later, and the other way round.
    database = made.running.postgres.url()
    before = await read_tables(database)
    streams = await read_streams(made.running.nats.url())
    tables = await read_tables(database)
    outcome.missing = missing(recording, tables, due)
    outcome.lost = lost(outcome.load, before, streams, tables)
    outcome.doubled = doubled(tables, streams)
    outcome.dead = streams.dead
    outcome.candles, outcome.signals = tables.rows, len(tables.signals)
    return outcome.is_sound


async def _catch_up(made: SupervisedStack, recording: Recording, load: LoadGenerator) -> float:
    """Return how long after the last fault everything that was due then is stored."""
    began = time.monotonic()
    due = closed_until(await exchange_time(made))
    if await _until(lambda: _is_stored(made, recording, load, due), PATIENCE_SECONDS):
        return time.monotonic() - began
    return float("inf")


async def _is_stored(made: SupervisedStack, recording: Recording, load: LoadGenerator, due: datetime) -> bool:
    tables = await read_tables(made.running.postgres.url())
    if len(tables.closes.get(MARKET, {})) < CANDLES_A_PAGE * len(load.acked):
        return False
    begins = [min(tables.closes[market]) for market in recording.closes if market in tables.closes]
    return len(begins) == len(recording.closes) and all(
        tables.covers(market, minute) for market, minute in due_minutes(recording, due, max(begins))
    )


async def _is_healthy(made: SupervisedStack) -> bool:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{made.health_url}/health/detail", timeout=3)
    return bool(answer.json()["status"] in ("healthy", "degraded"))


async def exchange_time(made: SupervisedStack) -> datetime:
    """Return the exchange's time, asking a simulator that may just be starting again."""
    found: list[datetime] = []

    async def ask() -> bool:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{made.upbit.url}/v1/market/all", timeout=2)
        found.append(parsedate_to_datetime(answer.headers["Date"]))
        return True

    await _until(ask, PATIENCE_SECONDS)
    return found[-1]


async def _until(condition: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Return whether it came true in time; a server that is away has not made it true yet."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if await condition():
                return True
        except Exception:  # noqa: BLE001  whatever is broken at the moment is no answer
            await asyncio.sleep(LOOK_SECONDS)
        await asyncio.sleep(LOOK_SECONDS)
    return False


def findings(outcome: Outcome, promise: str) -> list[Finding]:
    """Return the rows of one run."""
    acked, unknown = len(outcome.load.acked), len(outcome.load.unknown)
    rows = [Finding(promise, "pages acked", "> 0", f"{acked}, and {unknown} unknown", holds=acked > 0)]
    counted = [
        ("lost", "0", outcome.lost, f"of {outcome.candles} candles and {outcome.signals} signals"),
        ("doubled", "0", outcome.doubled, "candles, pages and signals"),
        ("gap", "0", outcome.missing, "minutes 75 s after the last fault"),
        ("dead", "0", outcome.dead, "messages"),
        ("handed back without a pause", "0", outcome.hasty, "messages"),
        (
            "secrets shown",
            "0",
            outcome.leaks,
            f"in logs, spans, messages, {len(outcome.samples.answers)} answers",
        ),
        ("ends that no fault explains", "0", outcome.unexpected, f"{outcome.restarts} restarts"),
    ]
    rows += [
        Finding(promise, what, bar, f"{len(found)} {beside}{_first(found)}", holds=not found)
        for what, bar, found, beside in counted
    ]
    peak = outcome.samples.peak_connections
    seconds = outcome.caught_up_seconds
    rows.append(
        Finding(promise, "connections", "<= 20", f"{peak} at most, {outcome.samples.looks} looks", peak <= 20)
    )
    rows.append(
        Finding(promise, "caught up", "< 5 s", f"{seconds:.1f} s after the last", seconds < CAUGHT_UP_SECONDS)
    )
    return rows


def _first(found: Sequence[str]) -> str:
    return f": {'; '.join(found[:SHOWN])}" if found else ""
