"""Job figures over all replicas: what the schedulers report, and the runs of the last day. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from common.events import JobFinished, JobState
from common.jobs.statistics import JobAggregator, JobStatistics, Run
from health.api.schemas import JobFigures
from health.schemas import ServiceHealth

WINDOW = timedelta(hours=24)
# A run every three seconds for a day, 12 MB; of more, the oldest are let go.
MOST_RUNS = 30_000
# Adding up a day of runs takes 50 ms.
KEPT = timedelta(seconds=10)


class JobWindow:
    """Sliding window of the runs that this instance of health received, in their order."""

    def __init__(self, *, began_at: datetime) -> None:
        self._began_at = began_at
        self._runs: deque[Run] = deque(maxlen=MOST_RUNS)
        self._rows: list[JobStatistics] = []
        self._added_up_at: datetime | None = None

    def add(self, record: JobFinished) -> None:
        """Count a run."""
        self._runs.append(Run.of(record))

    def counted_since(self, now: datetime) -> datetime:
        """Return when the first run that counts may have ended."""
        if len(self._runs) == MOST_RUNS:
            return max(self._began_at, self._runs[0].finished_at, now - WINDOW)
        return max(self._began_at, now - WINDOW)

    def rows(self, now: datetime) -> list[JobStatistics]:
        """Return one row per service and job, at most ten seconds old."""
        if self._added_up_at is None or not timedelta(0) <= now - self._added_up_at < KEPT:
            self._rows = self._add_up(now)
            self._added_up_at = now
        return self._rows

    def _add_up(self, now: datetime) -> list[JobStatistics]:
        while self._runs and self._runs[0].finished_at < now - WINDOW:
            self._runs.popleft()
        aggregator = JobAggregator()
        for run in self._runs:
            aggregator.count(run)
        return aggregator.rows()


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
