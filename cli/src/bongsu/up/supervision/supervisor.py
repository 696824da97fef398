"""Which child runs, which one died, and who starts it again? Nothing here knows what the children are."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bongsu.errors import ServerError
from bongsu.servers.startup import ATTEMPTS, Startable
from common.tasks import cancel_tasks

POLL_SECONDS = 0.05
# Long enough that whoever looks sees that it was gone.
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 5.0
HEALTHY_AFTER_SECONDS = 30.0
# All stages together; what is left of the five seconds is for our own end.
STOP_SECONDS = 4.2


class Child(Startable, Protocol):
    """A process that is watched."""

    name: str
    log: Path

    @property
    def pid(self) -> int | None:
        """Its process id, None while it does not run."""

    @property
    def exit_code(self) -> int | None:
        """How it ended: negative for a signal."""

    def ask_to_stop(self) -> None:
        """Ask it to end and return at once."""

    def kill(self) -> None:
        """End it and everything it started."""


@dataclass
class Watched:
    """A child and what happened to it; `since` is monotonic, `pid` the last one it had."""

    child: Child
    patience_seconds: float
    since: float = 0.0
    pid: int = 0
    restarts: int = 0


class Supervisor:
    """Starts children in the order it is told, keeps them alive, stops them last first.

    Args:
        say: Takes a line for people.
        changed: Called after any child got another process.
    """

    def __init__(self, say: Callable[[str], None], changed: Callable[[], None]) -> None:
        self._say = say
        self._changed = changed
        self._stages: list[list[Watched]] = []
        self._keepers: list[asyncio.Task[None]] = []

    @property
    def children(self) -> list[Watched]:
        """All children, in the order of their start."""
        return [watched for stage in self._stages for watched in stage]

    @property
    def pids(self) -> dict[str, int]:
        """The newest process id of each child."""
        return {watched.child.name: watched.pid for watched in self.children if watched.pid}

    def stage(self, children: Iterable[Child], *, patience_seconds: float) -> list[Watched]:
        """Make children known that will stop together, before all stages that were named earlier."""
        stage = [Watched(child, patience_seconds) for child in children]
        self._stages.append(stage)
        return stage

    async def start(self, watched: Watched, *, within_seconds: float) -> None:
        """Start a child, wait until it is ready and keep it from now on; raises its `failure()`."""
        child = watched.child
        await _to_its_end(child.prepare)
        for _ in range(ATTEMPTS):
            self._launch(watched)
            if await self._is_up(child, within_seconds):
                self._keepers.append(asyncio.create_task(self._keep(watched)))
                return
            if child.running or not await asyncio.to_thread(child.retry_start):
                break
        raise child.failure()

    async def stop(self) -> None:
        """Stop stage by stage; a child that outlives its patience is killed."""
        await cancel_tasks(self._keepers)
        deadline = time.monotonic() + STOP_SECONDS
        for stage in reversed(self._stages):
            await asyncio.gather(*(self._stop_one(watched, deadline) for watched in stage))

    def kill(self) -> None:
        """End everything at once."""
        for keeper in self._keepers:
            keeper.cancel()
        for watched in reversed(self.children):
            watched.child.kill()

    async def _stop_one(self, watched: Watched, deadline: float) -> None:
        child = watched.child
        child.ask_to_stop()
        asked = time.monotonic()
        patient_until = min(asked + watched.patience_seconds, deadline)
        while child.running and time.monotonic() < patient_until:
            await asyncio.sleep(POLL_SECONDS / 5)
        if child.running:
            self._say(f"{child.name} did not stop within {time.monotonic() - asked:.1f} s and is killed")
        child.kill()

    async def _keep(self, watched: Watched) -> None:
        child = watched.child
        pause = FIRST_PAUSE_SECONDS
        while True:
            while child.running:
                await asyncio.sleep(POLL_SECONDS)
            if time.monotonic() - watched.since > HEALTHY_AFTER_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            how = ended(child.exit_code)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            # The next round tries again; the reason is in the child's log.
            with contextlib.suppress(ServerError):
                self._launch(watched)
            watched.restarts += 1
            self._say(f"{child.name} died ({how}), started again")

    def _launch(self, watched: Watched) -> None:
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

    async def _is_up(self, child: Child, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while child.running and time.monotonic() < deadline:
            if await asyncio.to_thread(child.is_ready):
                return child.running
            await asyncio.sleep(POLL_SECONDS / 2)
        return False


async def _to_its_end(work: Callable[[], None]) -> None:
    """Do blocking work in a thread; a stop waits for it, or it would go on writing after the end."""
    task = asyncio.create_task(asyncio.to_thread(work))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        raise


def ended(exit_code: int | None) -> str:
    """Return how a process ended, for people: `signal 9` or `exit code 1`."""
    if exit_code is not None and exit_code < 0:
        return f"signal {-exit_code}"
    return f"exit code {exit_code}"
