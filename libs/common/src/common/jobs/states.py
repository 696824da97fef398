"""Job states: what happened last to each job of this process, in memory only, for its heartbeats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from common.clock import utc_now
from common.events import JobFinished, JobState


class JobStates:
    """The newest state of every registered job."""

    def __init__(self) -> None:
        self._states: dict[str, JobState] = {}
        self._next_run: dict[str, Callable[[], datetime | None]] = {}

    def register(
        self, name: str, interval_seconds: float, *, next_run: Callable[[], datetime | None] | None = None
    ) -> None:
        """Make a job known, or change its interval; `next_run` for one that no scheduler times."""
        known = self._states.get(name) or JobState(job_name=name, interval_seconds=0.0, next_run_at=None)
        if known.interval_seconds != interval_seconds:
            interval = {"interval_seconds": interval_seconds, "interval_since": utc_now()}
            self._states[name] = known.model_copy(update=interval)
        if next_run:
            self._next_run[name] = next_run

    def record_start(self, name: str) -> None:
        """Record that a run has begun."""
        self._update(name, running_since=utc_now())

    def record_not_claimed(self, name: str) -> None:
        """Record that another replica won the run."""
        self._update(name, running_since=None)

    def record_finish(self, record: JobFinished) -> None:
        """Record how a run ended."""
        update: dict[str, object] = {
            "last_outcome": record.outcome,
            "last_finished_at": record.finished_at,
            "last_error": record.error if record.outcome == "failed" else record.reason,
            "running_since": None,
        }
        if record.outcome == "ok":
            update["last_success_at"] = record.finished_at
        self._update(record.job_name, **update)

    def states(self, next_runs: Mapping[str, datetime]) -> tuple[JobState, ...]:
        """Return all states; `next_runs` as the scheduler knows them."""
        return tuple(
            state.model_copy(
                update={
                    "next_run_at": self._next_run[name]() if name in self._next_run else next_runs.get(name)
                }
            )
            for name, state in self._states.items()
        )

    def _update(self, name: str, **fields: object) -> None:
        if name in self._states:
            self._states[name] = self._states[name].model_copy(update=fields)
