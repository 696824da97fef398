"""Supervisor: starts children in stages, restarts the dead with a backoff, stops the last stage first."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bongsu.errors import ServerError
from bongsu.servers.server_process import ATTEMPTS, SupervisedProcess
from common.tasks import cancel_tasks

POLL_SECONDS = 0.05
# Long enough that the live view shows that it was gone.
FIRST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 5.0
HEALTHY_AFTER_SECONDS = 30.0
# All stages together; what is left of the five seconds is for our own end.
STOP_SECONDS = 4.2


@dataclass
class WatchedChild:
    """A child and what happened to it.

    Attributes:
        stop_seconds: How long it may take to stop before it is killed.
        since: Monotonic time of its last start.
        pid: The last one it had.
    """

    child: SupervisedProcess
    stop_seconds: float
    since: float = 0.0
    pid: int = 0
    restarts: int = 0


class Supervisor:
    """Starts children in the given order, keeps them alive, stops them last first.

    Args:
        say: Takes a line for people.
        changed: Called after any child got another process.
    """

    def __init__(self, say: Callable[[str], None], changed: Callable[[], None]) -> None:
        self._say = say
        self._changed = changed
        self._stages: list[list[WatchedChild]] = []
        self._restarters: list[asyncio.Task[None]] = []

    @property
    def children(self) -> list[WatchedChild]:
        """All children, in the order of their start."""
        return [watched for stage in self._stages for watched in stage]

    @property
    def pids(self) -> dict[str, int]:
        """The newest process id of each child."""
        return {watched.child.name: watched.pid for watched in self.children if watched.pid}

    def stage(self, children: Iterable[SupervisedProcess], *, stop_seconds: float) -> list[WatchedChild]:
        """Make children known that will stop together, before all stages that were named earlier."""
        stage = [WatchedChild(child, stop_seconds) for child in children]
        self._stages.append(stage)
        return stage

    async def start(self, watched: WatchedChild, *, within_seconds: float) -> None:
        """Start a child, wait until it is ready and restart it from then on; raises its `failure()`."""
        child = watched.child
        await _run_to_end(child.prepare)
        for _ in range(ATTEMPTS):
            self._launch(watched)
            if await self._is_up(child, within_seconds):
                self._restarters.append(asyncio.create_task(self._restart_when_dead(watched)))
                return
            if child.running or not await asyncio.to_thread(child.retry_start):
                break
        raise child.failure()

    async def stop(self) -> None:
        """Stop stage by stage; a child that takes too long is killed."""
        await cancel_tasks(self._restarters)
        deadline = time.monotonic() + STOP_SECONDS
        for stage in reversed(self._stages):
            await asyncio.gather(*(self._stop_one(watched, deadline) for watched in stage))

    def kill(self) -> None:
        """End everything at once."""
        for restarter in self._restarters:
            restarter.cancel()
        for watched in reversed(self.children):
            watched.child.kill()

    async def _stop_one(self, watched: WatchedChild, deadline: float) -> None:
        child = watched.child
        child.terminate()
        asked = time.monotonic()
        until = min(asked + watched.stop_seconds, deadline)
        while child.running and time.monotonic() < until:
            await asyncio.sleep(POLL_SECONDS / 5)
        if child.running:
            self._say(f"{child.name} did not stop within {time.monotonic() - asked:.1f} s and is killed")
        child.kill()

    async def _restart_when_dead(self, watched: WatchedChild) -> None:
        child = watched.child
        backoff = FIRST_BACKOFF_SECONDS
        while True:
            while child.running:
                await asyncio.sleep(POLL_SECONDS)
            if time.monotonic() - watched.since > HEALTHY_AFTER_SECONDS:
                backoff = FIRST_BACKOFF_SECONDS
            code = child.exit_code
            how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, LONGEST_BACKOFF_SECONDS)
            # The next round tries again; the reason is in the child's log.
            with contextlib.suppress(ServerError):
                self._launch(watched)
            watched.restarts += 1
            self._say(f"{child.name} died ({how}), started again")

    def _launch(self, watched: WatchedChild) -> None:
        # In the event loop's thread on purpose: the kernel ends a child with the thread that made it.
        try:
            watched.child.launch()
        except OSError as error:
            raise ServerError(watched.child.name, f"cannot be started: {error.strerror}") from error
        watched.since = time.monotonic()
        watched.pid = watched.child.pid or watched.pid
        try:
            self._changed()
        except OSError as error:
            # A full disk must not end the watch over this child.
            self._say(f"the files about this run cannot be written: {error.strerror}")

    async def _is_up(self, child: SupervisedProcess, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while child.running and time.monotonic() < deadline:
            if await asyncio.to_thread(child.is_ready):
                return child.running
            await asyncio.sleep(POLL_SECONDS / 2)
        return False


async def _run_to_end(work: Callable[[], None]) -> None:
    """Do blocking work in a thread; a stop waits for it, or it would go on writing after the end."""
    task = asyncio.create_task(asyncio.to_thread(work))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        raise
