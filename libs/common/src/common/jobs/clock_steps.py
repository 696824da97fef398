"""Detector of steps of the wall clock: what is planned in wall time is planned again after one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

LOOK_SECONDS = 1.0
STEP_SECONDS = 1.0


def wall_clock_offset() -> float:
    """Return by how many seconds wall time is ahead of the time since the machine started."""
    return time.time() - time.monotonic()


async def watch_steps(
    on_step: Callable[[float], None], *, offset: Callable[[], float] = wall_clock_offset
) -> None:
    """Call `on_step` with the seconds, below zero for back, whenever wall time moved by a second or more.

    A clock that is slowly put right moves by less between two looks.
    """
    known = offset()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        now = offset()
        if abs(now - known) >= STEP_SECONDS:
            on_step(now - known)
        known = now
