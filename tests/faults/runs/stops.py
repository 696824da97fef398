"""Stops: a service ends in time whatever it is in, and loses nothing."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from common.streams import STORE_CANDLES
from common.telemetry.names import LogEvent
from faults.cases.stop_conditions import CONDITIONS, POSTGRES_FROZEN, Condition
from faults.stack.stopping import (
    ended_after,
    handed_back,
    instances,
    was_in_retry,
)
from harness.finding import Finding
from harness.records import missed_at_exchange, read_streams, read_tables, until_handled
from harness.stack import SETTINGS, Stack, full_stack
from servers.services import ServiceProcess, until_ready
from servers.simulators import Simulator
from servers.waiting import HANG_SECONDS, eventually

PROMISE = "stops"
# Several, so that several signalers have something to decide at once.
MARKETS = ("KRW-BTC", "KRW-ETH", "KRW-XRP", "KRW-SOL")
# How long a condition lasts, and within it the moment of each stop; a start is shorter.
MOMENTS_SECONDS, STARTING_SECONDS = 5.0, 1.0
STOP_BAR_SECONDS = 5.0
SECOND_BAR_SECONDS = 1.0
SECOND_AFTER_SECONDS = 0.1
REPAIR_SECONDS = 150.0
ASK_SECONDS = 0.5


@dataclass(frozen=True)
class Stop:
    """How one instance ended: seconds since the signal, its exit code, and what the signal met it in."""

    condition: str
    code: int | None
    seconds: float
    in_retry: bool
    handed_back: bool


async def measure(seed: int) -> list[Finding]:
    """Return a row for 100 stops, for other signals, and for what was lost; takes about four minutes."""
    rng = random.Random(seed)
    async with full_stack({**SETTINGS, "markets": MARKETS}) as stack:
        for first in (stack.collector, stack.signaler):
            await asyncio.to_thread(first.stop)
        stops: list[Stop] = []
        for condition in rng.sample(CONDITIONS, len(CONDITIONS)):
            stops += await _stopped_in(stack, condition, rng)
        findings = [
            _stops(stops, await asyncio.to_thread(_calls_cut_off, stack.gemini)),
            await _other_signals(stack),
        ]
        with instances(stack, "last", of_each=1) as last:
            await until_ready(*last)
            findings.append(await _ledger(stack))
    return findings


async def _stopped_in(stack: Stack, condition: Condition, rng: random.Random) -> list[Stop]:
    """Start instances, bring about the condition, stop each at a moment of its own."""
    if condition.beforehand:
        async with condition.block(stack):
            with instances(stack, condition.name) as started:
                await until_ready(*started)
                if condition.until_met:
                    await condition.until_met(stack)
                return await _stop_all(started, condition, rng)
    with instances(stack, condition.name) as started:
        if not condition.while_starting:
            await until_ready(*started)
        async with condition.block(stack):
            return await _stop_all(started, condition, rng)


async def _stop_all(
    started: Sequence[ServiceProcess], condition: Condition, rng: random.Random
) -> list[Stop]:
    longest = STARTING_SECONDS if condition.while_starting else MOMENTS_SECONDS
    moments = [rng.uniform(0, longest) for _ in started]
    return await asyncio.gather(
        *(_stop(each, condition, moment) for each, moment in zip(started, moments, strict=True))
    )


async def _stop(running: ServiceProcess, condition: Condition, moment: float) -> Stop:
    if condition.while_starting:
        # Before its first line it is only Python reading modules, which ends as every program does.
        await eventually(lambda: running.events(LogEvent.SERVICE_STARTING))
    await asyncio.sleep(moment)
    code, seconds = await ended_after(running, signal.SIGTERM)
    return Stop(condition.name, code, seconds, was_in_retry(running), handed_back(running))


def _calls_cut_off(gemini: Simulator) -> int:
    """Return how many calls of Gemini had no answer yet when their caller went away."""
    asked = gemini.get("/_control/stats")["requests"]
    return sum(row["count"] for row in asked if row["status"] == 0 and row["route"].endswith(":{method}"))


def _stops(stops: Sequence[Stop], cut_off: int) -> Finding:
    worst = max(stops, key=lambda stop: stop.seconds)
    bad = [stop for stop in stops if stop.code != 0 or stop.seconds >= STOP_BAR_SECONDS]
    in_retry = sum(stop.in_retry for stop in stops)
    returned = sum(stop.handed_back for stop in stops)
    return Finding(
        PROMISE,
        f"{len(stops)} SIGTERMs at random moments: {', '.join(condition.name for condition in CONDITIONS)}",
        f"exit code 0 within {STOP_BAR_SECONDS:.0f} s",
        f"codes {dict(Counter(stop.code for stop in stops))}, slowest {worst.seconds:.2f} s"
        f" ({worst.condition}); {in_retry} waited for a retry, {cut_off} Gemini calls hung,"
        f" {returned} handed a message back" + (f"; not so: {bad[:3]}" if bad else ""),
        holds=not bad and in_retry > 0 and cut_off > 0,
    )


async def _other_signals(stack: Stack) -> Finding:
    """SIGHUP is ignored, SIGINT is as SIGTERM, and a second signal ends at once."""
    with instances(stack, "signals", of_each=2) as started:
        await until_ready(*started)
        for running in started:
            running.process.send_signal(signal.SIGHUP)
        await asyncio.sleep(1)
        alive = sum(running.process.poll() is None for running in started)
        interrupted = [await ended_after(running, signal.SIGINT) for running in started[:2]]
        async with POSTGRES_FROZEN.block(stack):
            twice = [await _stopped_twice(running) for running in started[2:]]
    slowest, slowest_twice = (max(seconds for _, seconds in ends) for ends in (interrupted, twice))
    codes, codes_twice = ([code for code, _ in ends] for ends in (interrupted, twice))
    return Finding(
        PROMISE,
        "SIGHUP; SIGINT; a second SIGTERM while the first is being obeyed",
        f"ignored; exit code 0 within {STOP_BAR_SECONDS:.0f} s; 1 within {SECOND_BAR_SECONDS:.0f} s",
        f"{alive} of {len(started)} live on; codes {codes} in {slowest:.2f} s;"
        f" {codes_twice} in {slowest_twice:.2f} s",
        holds=alive == len(started)
        and (set(codes), set(codes_twice)) == ({0}, {1})
        and slowest < STOP_BAR_SECONDS
        and slowest_twice < SECOND_BAR_SECONDS,
    )


async def _stopped_twice(running: ServiceProcess) -> tuple[int | None, float]:
    running.process.send_signal(signal.SIGTERM)
    await asyncio.sleep(SECOND_AFTER_SECONDS)
    return await ended_after(running, signal.SIGTERM)


async def _ledger(stack: Stack) -> Finding:
    await until_handled(stack.running.nats.url(), STORE_CANDLES, within=HANG_SECONDS)
    missed = await _missed_in_the_end(stack)
    streams = await read_streams(stack.running.nats.url())
    tables = await read_tables(stack.running.postgres.url())
    lost = streams.minutes - tables.minutes
    doubled = tables.rows - len(tables.minutes) + len(streams.doubled_signals)
    return Finding(
        PROMISE,
        f"{len(tables.minutes)} minutes and {len(tables.signals)} signals after all stops",
        "0 lost, 0 doubled, no gap",
        f"{len(lost)} lost, {doubled} doubled, {len(missed)} minutes missing",
        holds=not (lost or doubled or missed) and bool(tables.signals),
    )


async def _missed(stack: Stack) -> list[datetime]:
    """Return the minutes that are not stored, slowly: the collectors have to live with our requests."""
    missed = []
    tables = await read_tables(stack.running.postgres.url())
    for market in MARKETS:
        await asyncio.sleep(ASK_SECONDS)
        missed += await missed_at_exchange(stack.upbit, tables, market)
    return missed


async def _missed_in_the_end(stack: Stack) -> list[datetime]:
    deadline = time.monotonic() + REPAIR_SECONDS
    while (missed := await _missed(stack)) and time.monotonic() < deadline:
        pass
    return missed
