"""Statistics of jobs: how often each ran, how it ended and how long it took. Pure: no IO, no clock."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from common.events import JobFinished

# Percent with two decimals, in whole numbers.
_ALL = 100_00


@dataclass(frozen=True)
class JobStatistics:
    """One job of one service, over all its replicas.

    Attributes:
        runs: Those that ended `ok` or `failed`; skipped ones are apart.
        success_rate: Percent of `runs` that are ok, None without one. Its two decimals are cut, not rounded,
            so that 100 means all of them.
        p50_ms: Percentiles of `duration_ms` over `runs`, None without one; see `percentile`.
        retries: Calls that were tried again, in all runs.
        ok_after_retries: Runs that ended ok with at least one retry on the way.
        last_outcome: Of the run that ended last, on whichever replica; `last_reason` where it was skipped.
        last_error: Of the failed run that ended last, perhaps before the last one; None when none failed.
    """

    service: str
    job: str
    runs: int
    ok: int
    failed: int
    skipped: int
    success_rate: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    retries: int
    ok_after_retries: int
    last_outcome: str
    last_reason: str | None
    last_finished_at: datetime
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Run:
    """What is counted of a `JobFinished`, in a quarter of its memory: a reader may keep a day of them."""

    service: str
    job_name: str
    run_id: str
    outcome: str
    reason: str | None
    duration_ms: float
    attempts: int
    error: str | None
    count: int
    finished_at: datetime

    @classmethod
    def of(cls, record: JobFinished) -> Run:
        """Return the run of a record."""
        return cls(
            service=sys.intern(record.service),
            job_name=sys.intern(record.job_name),
            run_id=record.run_id,
            outcome=sys.intern(record.outcome),
            reason=record.reason,
            duration_ms=record.duration_ms,
            attempts=record.attempts,
            error=record.error,
            count=record.count,
            finished_at=record.finished_at,
        )


class JobAggregator:
    """Aggregates runs in any order; one that is reported twice counts once."""

    def __init__(self) -> None:
        self._jobs: dict[tuple[str, str], _Runs] = {}

    def add(self, record: JobFinished) -> None:
        """Count the run of a record."""
        self.count(Run.of(record))

    def count(self, run: Run) -> None:
        """Count one run."""
        self._jobs.setdefault((run.service, run.job_name), _Runs()).add(run)

    def rows(self) -> list[JobStatistics]:
        """Return one row per service and job, by name."""
        return [self._jobs[service, job].statistics(service, job) for service, job in sorted(self._jobs)]


def percentile(ordered: Sequence[float], fraction: float) -> float:
    """Return the value below which this fraction of `ordered` lies, interpolated between its neighbours.

    The same as PostgreSQL's `percentile_cont`, to the last bit: of n values the one at rank fraction *
    (n - 1), counted from 0, and between two ranks on the straight line between their values.

    Args:
        ordered: Smallest first, not empty.
    """
    rank = fraction * (len(ordered) - 1)
    below, above = ordered[math.floor(rank)], ordered[math.ceil(rank)]
    return below + (rank - math.floor(rank)) * (above - below)


@dataclass
class _Runs:
    """One job's runs, as little of them as the row needs: a week has a hundred thousand."""

    seen: set[str] = field(default_factory=set)
    durations: list[float] = field(default_factory=list)
    failed: int = 0
    skipped: int = 0
    retries: int = 0
    ok_after_retries: int = 0
    last: Run | None = None
    last_failed: Run | None = None

    def add(self, run: Run) -> None:
        if run.run_id in self.seen:
            return
        self.seen.add(run.run_id)
        self.retries += run.attempts - 1
        self.last = max(self.last or run, run, key=_end)
        if run.outcome == "skipped":
            self.skipped += run.count
            return
        self.durations.append(run.duration_ms)
        if run.outcome == "failed":
            self.failed += 1
            self.last_failed = max(self.last_failed or run, run, key=_end)
        elif run.attempts > 1:
            self.ok_after_retries += 1

    def statistics(self, service: str, job: str) -> JobStatistics:
        durations = sorted(self.durations)
        runs = len(durations)
        p50, p95, p99 = (percentile(durations, part) if durations else None for part in (0.5, 0.95, 0.99))
        assert self.last is not None  # noqa: S101  a job is known by its first run
        return JobStatistics(
            service=service,
            job=job,
            runs=runs,
            ok=runs - self.failed,
            failed=self.failed,
            skipped=self.skipped,
            success_rate=(runs - self.failed) * _ALL // runs / 100 if runs else None,
            p50_ms=p50,
            p95_ms=p95,
            p99_ms=p99,
            retries=self.retries,
            ok_after_retries=self.ok_after_retries,
            last_outcome=self.last.outcome,
            last_reason=self.last.reason,
            last_finished_at=self.last.finished_at,
            last_error=self.last_failed.error if self.last_failed else None,
        )


def _end(run: Run) -> tuple[datetime, str]:
    # By name where two replicas ended in the same microsecond: the order they are read in says nothing.
    return run.finished_at, run.run_id
