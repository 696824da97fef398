"""How does a background task end for certain? The library under it may swallow a cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_SECONDS = 0.1


async def end_tasks(tasks: Iterable[asyncio.Future[Any] | None]) -> None:
    """Cancel until every task has ended; how it ended is ignored. None stands for one that never started.

    nats-py swallows a cancellation that arrives while it flushes, and the loop around that call would go on.
    """
    left = {task for task in tasks if task is not None}
    while left:
        for task in left:
            task.cancel()
        ended, left = await asyncio.wait(left, timeout=AGAIN_SECONDS)
        for task in ended:
            if not task.cancelled():
                task.exception()  # looked at, or asyncio complains
