"""Cluster run: the leader of three nats-servers dies or freezes under load; recovery time and losses."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from statistics import median

from common.streams import STREAMS
from common.tasks import cancel_tasks
from faults.inputs.load_generator import LoadGenerator
from faults.oracles.invariants import doubled, lost
from faults.stack.cluster_stack import META, Cluster, cluster
from harness.finding import Finding
from harness.records import read_streams, read_tables
from servers.waiting import eventually

PROMISE = "cluster"
RESUMED_SECONDS = 10.0
FROZEN_SECONDS = 12.0
# A publisher that has found no server by then finds none any more.
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.5
# Half of the faults hit the leader of the stream that is published to.
MARKET = "MARKET"
GROUPS = (META, *(str(stream.name) for stream in STREAMS if stream.name != MARKET))
SHOWN = 3


@dataclass(frozen=True)
class Fault:
    """Who is hit: the server that leads `group` at that moment, and how."""

    how: str
    group: str


@dataclass
class Outcome:
    """What a run came to; of each fault, how long it took until a page was acknowledged again."""

    seconds: list[tuple[Fault, float]] = field(default_factory=list)
    hit_market: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    unhandled: bool = False
    candles: int = 0
    signals: int = 0


async def measure(seed: int, times: int = 30) -> list[Finding]:
    """Kill or freeze a leader so many times, while pages are published, stored and decided on."""
    load, outcome = LoadGenerator(retries=True), Outcome()
    async with cluster() as made:
        publishing = asyncio.create_task(load.publish(made.nats.url("collector")))
        try:
            for fault in plan(seed, times):
                await _hit(made, load, fault, outcome)
        finally:
            await cancel_tasks([publishing])
        await _look(made, load, outcome)
    return findings(load, outcome)


def plan(seed: int, times: int) -> list[Fault]:
    """Return the faults of this seed. Pure."""
    chance = random.Random(seed)
    return [
        Fault(chance.choice(("kill", "freeze")), MARKET if chance.randrange(2) else chance.choice(GROUPS))
        for _ in range(times)
    ]


async def _hit(made: Cluster, load: LoadGenerator, fault: Fault, outcome: Outcome) -> None:
    """Carry out one fault on a whole cluster, and wait until a page is acknowledged."""
    await eventually(made.is_whole, PATIENCE_SECONDS)
    await asyncio.sleep(PAUSE_SECONDS)
    name = await made.leader(fault.group)
    assert name is not None
    outcome.hit_market += name == await made.leader(MARKET)
    began = time.monotonic()

    async def has_moved_on() -> bool:
        led = await made.leader(fault.group, without=name)
        return load.resumed(began) is not None and led not in (None, name)

    if fault.how == "kill":
        await made.kill(name)
    else:
        await made.freeze(name, has_moved_on, FROZEN_SECONDS)
    seconds = await eventually(lambda: load.resumed(began), PATIENCE_SECONDS)
    assert seconds is not None
    outcome.seconds.append((fault, seconds))


async def _look(made: Cluster, load: LoadGenerator, outcome: Outcome) -> None:
    await eventually(made.is_whole, PATIENCE_SECONDS)
    try:
        await eventually(made.is_handled, PATIENCE_SECONDS)
    except AssertionError:
        outcome.unhandled = True
    database = made.postgres.url()
    before = await read_tables(database)
    streams = await read_streams(made.nats.url())
    tables = await read_tables(database)
    outcome.lost = lost(load, before, streams, tables)
    outcome.doubled = doubled(tables, streams)
    outcome.dead = streams.dead
    outcome.ended = made.ended()
    outcome.candles, outcome.signals = tables.rows, len(tables.signals)


def findings(load: LoadGenerator, outcome: Outcome) -> list[Finding]:
    """Return the rows of one run."""
    acked, unknown = len(load.acked), len(load.unknown)
    seconds = [taken for _, taken in outcome.seconds]
    slowest, worst = max(outcome.seconds, key=lambda pair: pair[1])
    hit = Counter(fault.how for fault, _ in outcome.seconds)
    rows = [
        Finding(
            PROMISE,
            f"publishing resumes, {len(seconds)} faults",
            f"< {RESUMED_SECONDS:g} s",
            f"{worst:.1f} s at worst ({slowest.how}, {slowest.group}), {median(seconds):.1f} s median;"
            f" {hit['kill']} killed, {hit['freeze']} frozen, {outcome.hit_market} of them led {MARKET}",
            holds=worst < RESUMED_SECONDS,
        ),
        Finding(
            PROMISE,
            "pages acked, and signals",
            "> 0",
            f"{acked:,} pages, {unknown} of them unknown at the first try, and {outcome.signals:,} signals",
            holds=acked > 0 and outcome.signals > 0,
        ),
    ]
    counted = [
        ("lost", outcome.lost, f"of {outcome.candles:,} candles and the signals"),
        ("doubled", outcome.doubled, "message ids, rows, signals"),
        ("dead", outcome.dead, "messages"),
        ("messages not handled", ["in 60 s"] if outcome.unhandled else [], "consumers"),
        ("services ended", outcome.ended, ""),
    ]
    return rows + [
        Finding(PROMISE, what, "0", f"{len(found)} {of} {'; '.join(found[:SHOWN])}".strip(), holds=not found)
        for what, found, of in counted
    ]
