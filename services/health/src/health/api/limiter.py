"""Bulkhead: limits the reads of the page and the API, so that the probes keep their connections.

At most two at a time of health's three to six connections, each with a limit, and no caller waits longer than
its patience, whatever the server does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from common.errors import TransientError

T = TypeVar("T")

AT_ONCE = 2
PATIENCE_SECONDS = 1.0


class ReadLimiter:
    """Runs loads; one whose caller is gone keeps its place until the database's limits end it."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        self._loads: set[asyncio.Task[Any]] = set()

    async def run(self, load: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return what `load` gives, or raise what it raises; TransientError after a second."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._places.acquire()
                task = asyncio.create_task(load())
                self._loads.add(task)
                task.add_done_callback(self._end)
                # Not cancelled with its caller: that would wait for a connection that does not answer.
                return await asyncio.shield(task)
        except TimeoutError as error:
            raise TransientError(f"PostgreSQL did not answer within {PATIENCE_SECONDS} s") from error

    def _end(self, task: asyncio.Task[Any]) -> None:
        self._loads.discard(task)
        self._places.release()
        if not task.cancelled():
            task.exception()  # retrieved, or asyncio complains: its caller may be gone
