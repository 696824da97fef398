"""How did a job's run end? One log line, one span, one histogram value and one event each."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import structlog
from opentelemetry.trace import Status, StatusCode

from common.clock import utc_now
from common.events import JobFinished, Outcome
from common.masking import mask_sensitive
from common.telemetry.instruments import job_duration, job_runs
from common.telemetry.names import Attribute, LogEvent, SpanName
from common.telemetry.spans import current_trace_id, span


@dataclass
class JobRun:
    """One run while it goes on; the body may call `skip` or `fail`, and the last one called counts."""

    job_name: str
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    outcome: Outcome = "ok"
    reason: str | None = None
    retries: int = 0
    count: int = 1
    error: str | None = None

    def skip(self, reason: str, *, count: int = 1) -> None:
        """End as `skipped`, because of `stale_data`, `late` or `stopping`; `count` runs at once."""
        self.outcome, self.reason, self.count, self.error = "skipped", reason, count, None

    def fail(self, error: BaseException) -> None:
        """End as `failed`."""
        self.outcome, self.reason, self.count = "failed", None, 1
        self.error = mask_sensitive(f"{type(error).__name__}: {error}")


@dataclass(frozen=True)
class JobOwner:
    """Who runs the jobs, and where their records go (the publisher must not block)."""

    service: str
    instance: str
    report: Callable[[JobFinished], None]


_current_run: ContextVar[JobRun | None] = ContextVar("bongsu_job_run", default=None)


def count_retry() -> None:
    """Count one retry for the job that is running in this task, if any."""
    if run := _current_run.get():
        run.retries += 1


@asynccontextmanager
async def track_job(job_name: str, *, owner: JobOwner, run_id: str | None = None) -> AsyncIterator[JobRun]:
    """Run a block as one run of `job_name` and record how it ended, whatever happens in it.

    An exception ends it as `failed` and is raised again. A cancellation ends it as `skipped: stopping`, but
    where it was noted as failed before, or where nobody cancelled this task: then what it waited for was.
    """
    run = JobRun(job_name, run_id or uuid.uuid4().hex)
    token = _current_run.set(run)
    started = time.monotonic()
    attributes: dict[str, str] = {Attribute.JOB_NAME: job_name, Attribute.JOB_RUN_ID: run.run_id}
    try:
        with span(SpanName.JOB.format(job=job_name), attributes=attributes) as current:
            try:
                yield run
            except asyncio.CancelledError as error:
                if not _is_being_cancelled():
                    run.fail(error)
                elif run.outcome != "failed":
                    run.skip("stopping")
                raise
            except BaseException as error:
                run.fail(error)
                raise
            finally:
                current.set_attributes(
                    {Attribute.JOB_OUTCOME: run.outcome, Attribute.JOB_ATTEMPTS: 1 + run.retries}
                )
                if run.outcome == "failed":
                    current.set_status(Status(StatusCode.ERROR, run.error))
                _record(run, owner, duration_ms=round((time.monotonic() - started) * 1000, 2))
    finally:
        _current_run.reset(token)


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _record(run: JobRun, owner: JobOwner, *, duration_ms: float) -> None:
    finished = JobFinished(
        service=owner.service,
        instance=owner.instance,
        job_name=run.job_name,
        run_id=run.run_id,
        outcome=run.outcome,
        reason=run.reason,
        duration_ms=duration_ms,
        attempts=1 + run.retries,
        error=run.error,
        count=run.count,
        finished_at=utc_now(),
        trace_id=current_trace_id(),
    )
    structlog.get_logger("common.jobs.tracking").log(
        logging.ERROR if run.outcome == "failed" else logging.INFO,
        LogEvent.JOB_FINISHED,
        metric_type="job",
        success=run.outcome == "ok",
        **finished.model_dump(
            include={"job_name", "run_id", "outcome", "reason", "duration_ms", "attempts", "error", "count"}
        ),
    )
    dimensions: dict[str, str] = {Attribute.JOB: run.job_name, Attribute.OUTCOME: run.outcome}
    job_runs().add(run.count, dimensions)
    if run.outcome != "skipped":
        job_duration().record(duration_ms / 1000, dimensions)
    owner.report(finished)
