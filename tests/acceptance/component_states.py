"""When did health show it? Its answer is read ten times a second by somebody who never stops looking."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from integration.health.running import HealthProcess

LOOK_SECONDS = 0.1
# Longer than what is promised, so that a late one is measured and not only missed.
PATIENCE_SECONDS = 30.0


class Watch:
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
            await asyncio.sleep(LOOK_SECONDS)
        return math.inf

    def _in_force(self, component: str, since: float) -> list[tuple[float, str]]:
        """Return the changes from that moment on, and the status that was in force then."""
        changes = self._changes[component]
        later = [change for change in changes if change[0] >= since]
        earlier = [change for change in changes if change[0] < since]
        return [*earlier[-1:], *later]

    async def look(self) -> None:
        """Look for ever."""
        while True:
            # A late answer is the other rows' business.
            with contextlib.suppress(Exception):
                detail = await self._health.detail()
                for part in detail["components"]:
                    changes = self._changes[part["name"]]
                    if not changes or changes[-1][1] != part["status"]:
                        changes.append((time.monotonic(), part["status"]))
            await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def watching(health: HealthProcess) -> AsyncIterator[Watch]:
    """Look until the block ends."""
    watch = Watch(health)
    looking = asyncio.create_task(watch.look())
    try:
        yield watch
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
