"""Background tasks: loops that begin again after an error, and cancellation that cannot be swallowed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import structlog

from common.telemetry.names import LogEvent

PAUSE_SECONDS = 1.0
CANCEL_AGAIN_SECONDS = 0.1


async def run_forever(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do `work`, a loop; where it ends with an error all the same, log it and begin again after a second."""
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001  the edge of a background task: nothing awaits its result
            structlog.get_logger("common.tasks").error(LogEvent.TASK_FAILED, task=name, exc_info=error)
        await asyncio.sleep(PAUSE_SECONDS)


async def cancel_tasks(tasks: Iterable[asyncio.Future[Any] | None]) -> None:
    """Cancel until every task has ended; how it ended is ignored. None stands for one that never started.

    nats-py swallows a cancellation that arrives while it flushes, and the loop around that call would go on.
    """
    left = {task for task in tasks if task is not None}
    while left:
        for task in left:
            task.cancel()
        ended, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_SECONDS)
        for task in ended:
            if not task.cancelled():
                task.exception()  # retrieved, or asyncio complains


class Background:
    """Loops in the background, from `start` to `stop`; most have one.

    Used as it is, or as the base of a class whose loops are all that starts and stops: such a class passes
    its name and its loops to `__init__`.

    Args:
        name: Names the tasks in the log when one fails.
        loops: Each as for `run_forever`; one that fails does not disturb the others.
    """

    def __init__(self, name: str, *loops: Callable[[], Awaitable[None]]) -> None:
        self._name = name
        self._loops = loops
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin every loop."""
        self._tasks = [asyncio.create_task(run_forever(self._name, loop)) for loop in self._loops]

    async def stop(self) -> None:
        """Return once every loop has ended; harmless before `start`."""
        await cancel_tasks(self._tasks)
