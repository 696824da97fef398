"""Sampler of the component states that health shows, and the transitions that a promise asks for."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from harness.finding import Finding
from integration.health.running import HealthProcess

PROMISE = "SC-005"
WITHIN_SECONDS = 10.0
# The cause and its showing are seen by two processes, the showing ten times a second.
EARLY_SECONDS = 0.5
STATES = {"healthy", "warning", "unhealthy"}
SAMPLE_SECONDS = 0.1
# Longer than what is promised, so that a late one is measured and not only missed.
PATIENCE_SECONDS = 30.0


class StateSampler:
    """Every change of every component: its status, and the monotonic time when it was first seen."""

    def __init__(self, health: HealthProcess) -> None:
        self._health = health
        self._changes: dict[str, list[tuple[float, str]]] = defaultdict(list)

    async def shown(self, component: str, status: str, *, since: float) -> float:
        """Return how many seconds after `since` the component got that status.

        Negative when it had it before; `inf` when it never got it.
        """
        while time.monotonic() < since + PATIENCE_SECONDS:
            for moment, seen in self._in_force(component, since):
                if seen == status:
                    return moment - since
            await asyncio.sleep(SAMPLE_SECONDS)
        return math.inf

    def _in_force(self, component: str, since: float) -> list[tuple[float, str]]:
        """Return the changes from that moment on, and the status that was in force then."""
        changes = self._changes[component]
        later = [change for change in changes if change[0] >= since]
        earlier = [change for change in changes if change[0] < since]
        return [*earlier[-1:], *later]

    async def sample(self) -> None:
        """Read the detailed answer ten times a second until cancelled."""
        while True:
            # A late answer is the other rows' business.
            with contextlib.suppress(Exception):
                detail = await self._health.detail()
                for part in detail["components"]:
                    changes = self._changes[part["name"]]
                    if not changes or changes[-1][1] != part["status"]:
                        changes.append((time.monotonic(), part["status"]))
            await asyncio.sleep(SAMPLE_SECONDS)


@asynccontextmanager
async def sampled_states(health: HealthProcess) -> AsyncIterator[StateSampler]:
    """Sample until the block ends."""
    sampler = StateSampler(health)
    sampling = asyncio.create_task(sampler.sample())
    try:
        yield sampler
    finally:
        sampling.cancel()
        await asyncio.gather(sampling, return_exceptions=True)


@dataclass
class Transitions:
    """The states of one component, each provoked by a cause."""

    component: str
    states: StateSampler
    seen: list[tuple[str, str, float]] = field(default_factory=list)

    async def expect(self, status: str, cause: str, *, since: float) -> None:
        """Wait for a status and record how long it took from the moment `since` when its cause was there."""
        self.seen.append((status, cause, await self.states.shown(self.component, status, since=since)))

    def finding(self) -> Finding:
        """Return the row; all three states are needed, and a way back."""
        shown = [f"{status} {seconds:.1f} s after {cause}" for status, cause, seconds in self.seen]
        statuses = [status for status, _, _ in self.seen]
        in_time = all(-EARLY_SECONDS <= seconds <= WITHIN_SECONDS for _, _, seconds in self.seen)
        return Finding(
            PROMISE,
            f"{self.component}: healthy, warning and unhealthy, provoked",
            f"each shown within {WITHIN_SECONDS:.0f} s, and healthy again",
            ", ".join(shown).replace(f"{math.inf:.1f} s", "never"),
            holds=in_time and set(statuses) == STATES and statuses[-1] == "healthy",
        )
