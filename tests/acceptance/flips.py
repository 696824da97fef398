"""What is one component's way through its three states, and was each shown in time?"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from acceptance.component_states import Watch
from harness.finding import Finding

PROMISE = "SC-005"
WITHIN_SECONDS = 10.0
# The cause and its showing are seen by two processes, the showing ten times a second.
EARLY_SECONDS = 0.5
STATES = {"healthy", "warning", "unhealthy"}


@dataclass
class Flips:
    """One component, provoked."""

    component: str
    watch: Watch
    seen: list[tuple[str, str, float]] = field(default_factory=list)

    async def expect(self, status: str, cause: str, *, since: float) -> None:
        """Wait for a status and note how long it took from the moment `since` when its cause was there."""
        self.seen.append((status, cause, await self.watch.shown(self.component, status, since=since)))

    def finding(self) -> Finding:
        """Return the row; all three states are needed, and a way back."""
        told = ", ".join(f"{status} {seconds:.1f} s after {cause}" for status, cause, seconds in self.seen)
        statuses = [status for status, _, _ in self.seen]
        in_time = all(-EARLY_SECONDS <= seconds <= WITHIN_SECONDS for _, _, seconds in self.seen)
        return Finding(
            PROMISE,
            f"{self.component}: healthy, warning and unhealthy, provoked",
            f"each shown within {WITHIN_SECONDS:.0f} s, and healthy again",
            told.replace(f"{math.inf:.1f} s", "never"),
            holds=in_time and set(statuses) == STATES and statuses[-1] == "healthy",
        )
