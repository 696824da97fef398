"""How long did each job take in the last day? Of the runs that were heard. Pure: no IO, no clock."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from common.events import JobFinished
from common.jobs.statistics import JobAggregator, JobStatistics, Run

WINDOW = timedelta(hours=24)
# A run every three seconds for a day, 12 MB; of more, the oldest are let go.
MOST_RUNS = 30_000
# Adding up a day of runs takes 50 ms.
KEPT = timedelta(seconds=10)


class JobWindow:
    """Runs in the order they were heard."""

    def __init__(self, *, began_at: datetime) -> None:
        self._began_at = began_at
        self._runs: deque[Run] = deque(maxlen=MOST_RUNS)
        self._rows: list[JobStatistics] = []
        self._added_up_at: datetime | None = None

    def add(self, record: JobFinished) -> None:
        """Take note of a run."""
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
        tally = JobAggregator()
        for run in self._runs:
            tally.count(run)
        return tally.rows()
