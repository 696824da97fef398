"""What is known of each job over all its replicas? What schedulers say, and how its runs ended. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from common.events import JobState
from common.jobs.statistics import JobStatistics
from health.api.schemas import JobFigures
from health.schemas import ServiceHealth


def job_figures(
    services: Iterable[ServiceHealth], counted: Iterable[JobStatistics]
) -> tuple[JobFigures, ...]:
    """Return one row per service and job, by name; a job that only one of the two knows is there too."""
    states: dict[tuple[str, str], list[JobState]] = {}
    for service in services:
        for job in service.jobs:
            states.setdefault((service.name, job.job_name), []).append(job)
    statistics = {(row.service, row.job): row for row in counted}
    return tuple(
        _figures(service, job_name, states.get((service, job_name), []), statistics.get((service, job_name)))
        for service, job_name in sorted({*states, *statistics})
    )


def _figures(
    service: str, job_name: str, states: Sequence[JobState], counted: JobStatistics | None
) -> JobFigures:
    newest = max(states, key=_finished, default=None)
    return JobFigures(
        service=service,
        job_name=job_name,
        interval_seconds=newest.interval_seconds if newest else None,
        next_run_at=min((state.next_run_at for state in states if state.next_run_at), default=None),
        running_since=min((state.running_since for state in states if state.running_since), default=None),
        last_outcome=newest.last_outcome if newest else None,
        last_finished_at=newest.last_finished_at if newest else None,
        last_success_at=max(
            (state.last_success_at for state in states if state.last_success_at), default=None
        ),
        last_error=newest.last_error if newest else None,
        runs=counted.runs if counted else 0,
        ok=counted.ok if counted else 0,
        failed=counted.failed if counted else 0,
        skipped=counted.skipped if counted else 0,
        retries=counted.retries if counted else 0,
        success_rate=counted.success_rate if counted else None,
        p50_ms=_rounded(counted.p50_ms) if counted else None,
        p95_ms=_rounded(counted.p95_ms) if counted else None,
        p99_ms=_rounded(counted.p99_ms) if counted else None,
    )


def _finished(state: JobState) -> float:
    return state.last_finished_at.timestamp() if state.last_finished_at else 0


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 2)
