"""When does a job run, and on which replica? APScheduler for the times, a stream for the claims.

Triggers start at the Unix epoch, so replicas share the scheduled times; of those that claim one in CLAIMS
exactly one wins and runs it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger
from nats.errors import Error as NatsError
from nats.js.errors import APIError, NotFoundError

from common.bus import Bus
from common.ending import end_tasks
from common.errors import ServiceError, TransientError
from common.events import JobState
from common.job_ledger import JobLedger
from common.streams import CLAIM_SUBJECT, CLAIMS
from common.telemetry.jobs import JobOwner, JobRun, track_job
from common.telemetry.names import LogEvent

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CLAIMED_BY_ANOTHER = 10077
CLAIM_SECONDS = 2.0
STOP_SECONDS = 2.0

JobBody = Callable[[JobRun], Awaitable[None]]


@dataclass
class _Scheduled:
    body: JobBody
    interval_seconds: float


class Scheduler:
    """The scheduled jobs of one process; add them before `start`."""

    def __init__(self, *, owner: JobOwner, bus: Bus, ledger: JobLedger) -> None:
        self._owner = owner
        self._bus = bus
        self._ledger = ledger
        self._jobs: dict[str, _Scheduled] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._log = structlog.get_logger("common.scheduler")

    def add(self, name: str, *, every_seconds: float, body: JobBody) -> None:
        """Have `body` run every so many seconds of wall time, once over all replicas."""
        self._jobs[name] = _Scheduled(body, every_seconds)
        self._ledger.register(name, every_seconds)
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
        job = self._jobs[name]
        if job.interval_seconds == every_seconds:
            return
        job.interval_seconds = every_seconds
        self._ledger.register(name, every_seconds)
        self._scheduler.reschedule_job(name, trigger=self._trigger(every_seconds))

    def start(self) -> None:
        """Begin to keep the times."""
        self._scheduler.start()

    async def stop(self) -> None:
        """Start no further run; one that is running has two seconds before it is cancelled."""
        # Its `shutdown` would cancel what is running at once.
        if self._scheduler.running:
            self._scheduler.pause()
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=STOP_SECONDS)
            await end_tasks(late)
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def states(self) -> tuple[JobState, ...]:
        """Return every job this process knows, with its next run."""
        next_runs = {job.id: job.next_run_time for job in self._scheduler.get_jobs()}
        return self._ledger.states(next_runs)

    @staticmethod
    def _trigger(every_seconds: float) -> IntervalTrigger:
        return IntervalTrigger(seconds=every_seconds, start_date=EPOCH, timezone=UTC)

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
        job = self._jobs[name]
        scheduled = int(time.time() // job.interval_seconds * job.interval_seconds)
        self._ledger.began(name)
        # The process edge of a job: track_job has recorded the failure, and the next run comes anyway.
        with contextlib.suppress(Exception):
            try:
                won = await self._claim(name, scheduled)
            except TransientError as error:
                async with track_job(name, owner=self._owner):
                    raise ServiceError(f"the run could not be claimed: {error}") from error
            if won:
                async with track_job(name, owner=self._owner, run_id=f"{name}-{scheduled}") as run:
                    await job.body(run)
            else:
                self._ledger.left_to_another(name)
                self._log.debug(LogEvent.JOB_NOT_CLAIMED, job_name=name, scheduled=scheduled)

    async def _claim(self, name: str, scheduled: int) -> bool:
        subject = CLAIM_SUBJECT.format(service=self._owner.service, job_name=name, unix_time=scheduled)
        body = self._owner.instance.encode()
        try:
            await self._bus.jetstream.publish(subject, body, timeout=CLAIM_SECONDS, stream=CLAIMS)
        except APIError as error:
            if error.err_code == CLAIMED_BY_ANOTHER:
                self._bus.acknowledgements.given(CLAIMS)
                return False
            self._bus.acknowledgements.missing(CLAIMS, str(error.description))
            raise TransientError(f"{subject}: {error.description}") from error
        except (NatsError, OSError, TimeoutError) as error:
            self._bus.acknowledgements.missing(CLAIMS, type(error).__name__)
            return await self._look_up_claim(subject, body, error)
        self._bus.acknowledgements.given(CLAIMS)
        return True

    async def _look_up_claim(self, subject: str, body: bytes, cause: Exception) -> bool:
        # The answer was lost, the claim perhaps not: who holds it is written in it.
        try:
            found = await self._bus.jetstream.get_last_msg(CLAIMS, subject)
        except NotFoundError:
            raise TransientError(f"{subject} was not acknowledged: {type(cause).__name__}") from cause
        except (NatsError, OSError, TimeoutError) as error:
            raise TransientError(f"{subject}: the bus is away: {type(error).__name__}") from error
        return found.data == body
