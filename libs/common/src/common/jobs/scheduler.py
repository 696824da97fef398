"""Scheduler of jobs over replicas: APScheduler for the times, a stream for the claims.

Triggers start at the Unix epoch, so replicas share the scheduled times; of those that claim one in CLAIMS
exactly one wins and runs it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from common.bus.broker import Bus
from common.errors import ServiceError, TransientError
from common.events import JobState
from common.jobs.claims import Claims
from common.jobs.clock_steps import watch_steps
from common.jobs.states import JobStates
from common.jobs.tracking import JobOwner, JobRun, track_job
from common.tasks import Background, cancel_tasks
from common.telemetry.names import LogEvent

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STOP_SECONDS = 2.0

JobBody = Callable[[JobRun], Awaitable[None]]


class Scheduler:
    """The scheduled jobs of one process; add them before `start`."""

    def __init__(self, *, owner: JobOwner, bus: Bus, states: JobStates) -> None:
        self._owner = owner
        self._claims = Claims(bus, service=owner.service, instance=owner.instance)
        self._states = states
        self._bodies: dict[str, JobBody] = {}
        self._intervals: dict[str, float] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._step_watch = Background("clock_steps", partial(watch_steps, self._on_step))
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._log = structlog.get_logger("common.jobs.scheduler")

    def add(self, name: str, *, every_seconds: float, body: JobBody) -> None:
        """Have `body` run every so many seconds of wall time, once over all replicas."""
        self._bodies[name], self._intervals[name] = body, every_seconds
        self._states.register(name, every_seconds)
        self._scheduler.add_job(
            self._run,
            self._trigger(every_seconds),
            args=(name,),
            id=name,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )

    def reschedule(self, name: str, *, every_seconds: float) -> None:
        """Change a job's interval without a restart."""
        if self._intervals[name] == every_seconds:
            return
        self._intervals[name] = every_seconds
        self._states.register(name, every_seconds)
        self._scheduler.reschedule_job(name, trigger=self._trigger(every_seconds))

    def start(self) -> None:
        """Begin to keep the times."""
        self._scheduler.start()
        self._step_watch.start()

    async def stop(self) -> None:
        """Start no further run; one that is running has two seconds before it is cancelled."""
        await self._step_watch.stop()
        # Its `shutdown` would cancel what is running at once.
        if self._scheduler.running:
            self._scheduler.pause()
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=STOP_SECONDS)
            await cancel_tasks(late)
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def states(self) -> tuple[JobState, ...]:
        """Return every job this process knows, with its next run."""
        next_runs = {job.id: job.next_run_time for job in self._scheduler.get_jobs()}
        return self._states.states(next_runs)

    @staticmethod
    def _trigger(every_seconds: float) -> IntervalTrigger:
        return IntervalTrigger(seconds=every_seconds, start_date=EPOCH, timezone=UTC)

    def _on_step(self, seconds: float) -> None:
        """Plan the next runs by the new time: after a step back, APScheduler would wait for the old one."""
        self._log.warning(LogEvent.CLOCK_STEPPED, seconds=round(seconds, 1))
        for name, interval in self._intervals.items():
            self._scheduler.reschedule_job(name, trigger=self._trigger(interval))

    async def _run(self, name: str) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  APScheduler runs coroutines as tasks
        self._running.add(task)
        try:
            await self._claim_and_run(name)
        except asyncio.CancelledError:
            # `stop` asked for it, and it is recorded as skipped; APScheduler would log a failure.
            pass
        finally:
            self._running.discard(task)

    async def _claim_and_run(self, name: str) -> None:
        interval = self._intervals[name]
        scheduled = int(time.time() // interval * interval)
        self._states.record_start(name)
        # The process edge of a job: track_job has recorded the failure, and the next run comes anyway.
        with contextlib.suppress(Exception):
            try:
                run_id = await self._claims.claim(name, scheduled, interval_seconds=interval)
            except TransientError as error:
                async with track_job(name, owner=self._owner):
                    raise ServiceError(f"the run could not be claimed: {error}") from error
            if run_id:
                async with track_job(name, owner=self._owner, run_id=run_id) as run:
                    await self._bodies[name](run)
            else:
                self._states.record_not_claimed(name)
                self._log.debug(LogEvent.JOB_NOT_CLAIMED, job_name=name, scheduled=scheduled)
