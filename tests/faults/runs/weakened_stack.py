"""Mutation test of the random run: it must notice a build without one of its protections within 60 faults.

Which one a stale setting would be cannot be seen from outside by chance: `weakened.py` has the races for it.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from faults.runs.random_faults import Outcome, broken
from faults.weakening.weakenings import drop_unique_keys
from harness.finding import Finding

FAULTS = 60
SHOWN = 2


@dataclass(frozen=True)
class Build:
    """A weakening, whose processes have it, and what is to be done to the database for it."""

    weakening: str
    services: tuple[str, ...]
    prepare: Callable[[str], Awaitable[None]] | None = None

    @property
    def commands(self) -> Mapping[str, list[str]]:
        """What to run instead of each service."""
        injection = [sys.executable, "-m", "faults.weakening.injection"]
        return {service: [*injection, service, self.weakening] for service in self.services}


BUILDS = (
    Build("no_dedupe_id", ("collector", "signaler")),
    Build("no_unique_key", ("collector", "signaler"), drop_unique_keys),
    Build("ack_before_commit", ("collector", "signaler")),
    Build("no_gap_repair", ("collector",)),
    Build("no_nack_delay", ("collector", "signaler")),
)


async def measure(seed: int) -> list[Finding]:
    """Return a row for each build; the healthy one is the run `random`."""
    return [await _noticed(build, seed) for build in BUILDS]


async def _noticed(build: Build, seed: int) -> Finding:
    outcome = await broken(seed, FAULTS, commands=build.commands, prepare=build.prepare)
    seen = _seen(outcome)
    return Finding(
        "weakened",
        f"`{build.weakening}`, {FAULTS} random faults, seed {seed}",
        "the run does not hold",
        "; ".join(seen[:SHOWN]) or "nothing was noticed",
        holds=bool(seen),
    )


def _seen(outcome: Outcome) -> list[str]:
    flaws = {
        "lost": outcome.lost,
        "doubled": outcome.doubled,
        "gap": outcome.missing,
        "hasty": outcome.hasty,
    }
    return [f"{len(found)} {name}, as in {found[0]}" for name, found in flaws.items() if found]
