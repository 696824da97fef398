"""Fuzz run: ten thousand unreadable messages do no harm to the good ones among them."""

from __future__ import annotations

import asyncio
import math
import statistics
import time
from collections import Counter
from collections.abc import Sequence

from faults.cases.fuzzed_subjects import PROMISE, fuzz_other_subjects
from faults.cases.repeats import send_repeats
from faults.inputs.sending import GOOD_PACE
from faults.oracles.dead_letters import dead_letters
from faults.oracles.fuzz import Fuzzed, fuzzing
from faults.oracles.service_logs import unexpected_lines
from harness.finding import Finding
from harness.stack import Stack, full_stack
from integration.health.running import soon

POISON = 10_000
# So many come at an even pace beside the good pages whose time is measured, the others in one burst.
PACED = 1600
GOOD_ALONE, GOOD_BESIDE, GOOD_IN_BURST = 120, 240, 100
REPEATED = 100
SLOWED_BAR = 2.0
SETTLE_SECONDS = 60.0
HEALTHY_SECONDS = 30.0
# From the future is a page only to a service that knows the exchange's time.
READABLE = {"from the future"}


async def measure(seed: int) -> list[Finding]:
    """Return a row for each thing that poison must not do; takes about two and a half minutes."""
    async with full_stack() as stack, fuzzing(stack, seed) as fuzzed:
        sender = fuzzed.sender
        await sender.send_good(GOOD_ALONE)
        alone = set(sender.sent.good)
        paced, burst = sender.new_poison(PACED), sender.new_poison(POISON - PACED)
        await asyncio.gather(
            sender.send_good(GOOD_BESIDE), sender.send_poison(paced, within=GOOD_BESIDE / GOOD_PACE)
        )
        beside = set(sender.sent.good) - alone
        began = time.monotonic()
        await asyncio.gather(sender.send_good(GOOD_IN_BURST), sender.send_poison(burst))
        await fuzzed.settled(sender.sent.good.keys() | sender.sent.poison.keys())
        findings = [
            await _good_ones(fuzzed, time.monotonic() - began),
            await _dead_ones(fuzzed),
            _slowdown(fuzzed, alone, beside),
            await send_repeats(fuzzed, stack, PROMISE),
            *await fuzz_other_subjects(stack, sender.rng),
        ]
        findings.append(await _harm(stack))
    return findings


async def _good_ones(fuzzed: Fuzzed, burst_seconds: float) -> Finding:
    good = fuzzed.sender.sent.good
    rows = await fuzzed.stored(good.values())
    wrong = [each for each, row in zip(good.values(), rows, strict=True) if row != (each.candles[0].close, 1)]
    undone = good.keys() - fuzzed.store.done.keys() | good.keys() - fuzzed.decide.done.keys()
    return Finding(
        PROMISE,
        f"{len(good)} good pages, most of them among {POISON:,} bad messages",
        "all done by both readers, each stored once",
        f"{len(undone)} not done, {len(wrong)} not stored as sent; the burst was through in"
        f" {burst_seconds:.0f} s, {(POISON - PACED) / burst_seconds:.0f} a second",
        holds=not undone and not wrong,
    )


async def _dead_ones(fuzzed: Fuzzed) -> Finding:
    poison = fuzzed.sender.sent.poison
    letters = {letter.sequence: letter for letter in await dead_letters(fuzzed.sender.jetstream)}
    missing = poison.keys() - letters.keys()
    unlike = [
        sequence
        for sequence, dose in poison.items()
        if sequence in letters
        and (letters[sequence].subject, letters[sequence].body) != (dose.subject, dose.body)
    ]
    silent = [letter for letter in letters.values() if not letter.reason]
    readable = {sequence for sequence, dose in poison.items() if dose.kind in READABLE}
    tried = [
        sequence
        for sequence in poison
        if fuzzed.store.handed_back[sequence] or fuzzed.decide.handed_back[sequence]
    ]
    not_ended = poison.keys() - fuzzed.store.dead | poison.keys() - readable - fuzzed.decide.dead
    kinds = Counter(poison[sequence].kind for sequence in missing)
    return Finding(
        PROMISE,
        f"{len(poison):,} bad messages of {len({dose.kind for dose in poison.values()})} kinds",
        "all kept in DEAD as they came, with a reason, at the first try; nothing else there",
        f"{len(poison) - len(missing):,} kept, {len(missing)} missing {dict(kinds) or ''},"
        f" {len(unlike)} changed, {len(silent)} without a reason, {len(tried)} tried again,"
        f" {len(not_ended)} not ended, {len(letters.keys() - poison.keys())} others",
        holds=not (missing or unlike or silent or tried or not_ended or letters.keys() - poison.keys()),
    )


def _slowdown(fuzzed: Fuzzed, alone: set[int], beside: set[int]) -> Finding:
    sent = fuzzed.sender.sent
    before, among = (
        _median_and_p95([fuzzed.store.done.get(number, math.inf) - sent.began[number] for number in numbers])
        for numbers in (alone, beside)
    )
    ratio = among[0] / before[0]
    return Finding(
        PROMISE,
        f"a good page until stored, {PACED / GOOD_BESIDE * GOOD_PACE:.0f} bad messages a second beside it",
        f"median below {SLOWED_BAR:.0f} times what it is without them",
        f"{among[0] * 1000:.1f} ms (p95 {among[1] * 1000:.1f}) against {before[0] * 1000:.1f} ms"
        f" (p95 {before[1] * 1000:.1f}): {ratio:.2f} times",
        holds=ratio < SLOWED_BAR,
    )


def _median_and_p95(seconds: Sequence[float]) -> tuple[float, float]:
    return statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]


async def _harm(stack: Stack) -> Finding:
    ended = [
        each for each in (stack.collector, stack.signaler, stack.health) if each.process.poll() is not None
    ]
    flaws = await _flaws(stack)
    strange = [line for log in stack.logs for line in unexpected_lines(log)]
    return Finding(
        PROMISE,
        "the three services after all this",
        "0 crashes, 0 unhandled errors, /health healthy",
        f"{len(ended)} ended, {len(strange)} unhandled{strange[:1] or ''}, {flaws or 'healthy'}",
        holds=not (ended or strange or flaws),
    )


async def _flaws(stack: Stack) -> str:
    """Return what health finds wrong, nothing once it is healthy again."""
    try:
        await soon(stack.health.is_healthy, HEALTHY_SECONDS)
    except AssertionError as error:
        return str(error.__cause__)
    return ""
