"""What becomes of a loop that should never end, and fails in a way nobody thought of?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from common.telemetry.names import LogEvent

PAUSE_SECONDS = 1.0


async def keep_going(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do `work`, a loop; where it ends with an error all the same, log it and begin again after a second."""
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001  the edge of a background task: nobody awaits its result
            structlog.get_logger("common.keep_going").error(LogEvent.TASK_FAILED, task=name, exc_info=error)
        await asyncio.sleep(PAUSE_SECONDS)
