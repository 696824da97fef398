"""Mutation test of the oracles: each protection is taken out once, and the same faults must show it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeAlias

from faults.cases import config_races, hole_scenario, storing_scenarios, stream_scenarios
from faults.weakening.weakenings import Build, Flaw
from harness.finding import Finding

# Faults, one after another, and after each what its oracle saw.
Scenario: TypeAlias = Callable[[Build, random.Random], AsyncGenerator[Flaw, None]]
PROMISE = "weakened"
# A weakened build must be noticed by then.
MOST_FAULTS = 60


@dataclass(frozen=True)
class Proof:
    """A weakening, the faults that show it, and how many of them the healthy build has to withstand."""

    weakening: str
    fault: str
    scenario: Scenario
    healthy_faults: int


PROOFS = (
    Proof("ack_before_commit", "kill -9 before a page's commit", storing_scenarios.lost_pages, 8),
    Proof("no_unique_key", "kill -9 after a page's commit", storing_scenarios.doubled_rows, 8),
    Proof("no_gap_repair", "candles late, collector killed, Upbit away", hole_scenario.holes, 4),
    Proof("no_dedupe_id", "acknowledgements of signals lost", stream_scenarios.doubled_signals, 5),
    Proof("no_nack_delay", "PostgreSQL away for 2 s", stream_scenarios.hasty_redeliveries, 5),
    Proof("no_generation_check", "a setting changed while it is read", config_races.stale_values, 2000),
)
# The two lanes take about the same time.
LANES = (PROOFS[:3], PROOFS[3:])


async def measure(seed: int) -> list[Finding]:
    """Return a row for each weakened build; two are looked at at a time."""
    lanes = await asyncio.gather(*(_lane(proofs, seed) for proofs in LANES))
    return [finding for lane in lanes for finding in lane]


async def _lane(proofs: Sequence[Proof], seed: int) -> list[Finding]:
    return [await prove(proof, seed) for proof in proofs]


async def prove(proof: Proof, seed: int) -> Finding:
    """Run the faults on both builds, with the same seed."""
    weakened, seen = await _until_seen(proof, seed, proof.weakening, most=MOST_FAULTS)
    healthy, seen_healthy = await _until_seen(proof, seed, most=proof.healthy_faults)
    return Finding(
        PROMISE,
        f"`{proof.weakening}`, faults: {proof.fault}",
        f"seen within {MOST_FAULTS} faults, and never on the healthy build",
        f"{_shown(weakened, seen)}; healthy: {_shown(healthy, seen_healthy)}",
        holds=seen is not None and seen_healthy is None,
    )


async def _until_seen(proof: Proof, seed: int, *build: str, most: int) -> tuple[int, str | None]:
    """Return how many faults there were, and what was seen after the last one."""
    count = 0
    async with aclosing(proof.scenario(build, random.Random(f"{seed}-{proof.weakening}"))) as faults:
        async for seen in faults:
            count += 1
            if seen or count == most:
                return count, seen
    return count, None


def _shown(faults: int, seen: str | None) -> str:
    return f"seen at fault {faults}: {seen}" if seen else f"nothing seen in {faults:,} faults"
