"""Job figures: one row for all replicas and the runs of the last day."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest

from common.events import JobFinished, JobState, Outcome
from health.api import jobs
from health.api.jobs import JobWindow, job_figures
from health.schemas import ServiceHealth
from unit.common.jobs.records import finished

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FEW_RUNS = 1000


def test_the_replica_that_ended_last_tells_how_and_the_first_next_run_counts() -> None:
    services = (
        _instance("c1", last=NOW - 20 * SECOND, outcome="ok", next_run=NOW + 10 * SECOND),
        _instance("c2", last=NOW - 10 * SECOND, outcome="failed", next_run=NOW + 20 * SECOND),
        _instance("c3", last=None, outcome=None, next_run=None),
    )
    [row] = job_figures(services, [])
    assert (row.last_outcome, row.last_finished_at) == ("failed", NOW - 10 * SECOND)
    assert (row.next_run_at, row.last_success_at) == (NOW + 10 * SECOND, NOW - 20 * SECOND)
    assert (row.runs, row.p95_ms, row.success_rate) == (0, None, None)


def test_a_job_whose_service_is_gone_keeps_its_figures() -> None:
    window = JobWindow(began_at=NOW)
    window.add(_run("r1", NOW, 80.0))
    [row] = job_figures((), window.rows(NOW))
    assert (row.service, row.job_name, row.runs, row.p95_ms) == ("collector", "data_collection", 1, 80.0)
    assert (row.interval_seconds, row.last_outcome) == (None, None)


def test_a_run_of_the_day_before_no_longer_counts_and_a_repeat_counts_once() -> None:
    window = JobWindow(began_at=NOW - timedelta(days=3))
    for run_id, age, duration in (("r1", 25, 900.0), ("r2", 23, 100.0), ("r3", 1, 300.0), ("r3", 1, 300.0)):
        window.add(_run(run_id, NOW - timedelta(hours=age), duration))
    [row] = window.rows(NOW)
    assert (row.runs, row.p50_ms) == (2, 200.0)
    assert window.counted_since(NOW) == NOW - timedelta(days=1)


def test_figures_are_kept_for_ten_seconds_and_then_added_up_again() -> None:
    window = JobWindow(began_at=NOW)
    window.add(_run("r1", NOW, 100.0))
    assert window.rows(NOW)[0].runs == 1
    window.add(_run("r2", NOW, 100.0))
    assert window.rows(NOW + 9 * SECOND)[0].runs == 1
    assert window.rows(NOW + 10 * SECOND)[0].runs == 2
    # A clock that was set back does not stop it.
    window.add(_run("r3", NOW, 100.0))
    assert window.rows(NOW - timedelta(hours=1))[0].runs == 3


def test_of_too_many_runs_the_oldest_go_and_the_count_says_since_when(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "MOST_RUNS", 3)
    window = JobWindow(began_at=NOW - timedelta(hours=9))
    for number in range(5):
        window.add(_run(f"r{number}", NOW - (5 - number) * SECOND, 100.0))
    assert window.rows(NOW)[0].runs == 3
    assert window.counted_since(NOW) == NOW - 3 * SECOND


def test_the_most_runs_that_are_kept_weigh_little() -> None:
    window = JobWindow(began_at=NOW)
    bodies = [_run(f"{number:036}", NOW, 1.5 + number).model_dump_json() for number in range(FEW_RUNS)]
    tracemalloc.start()
    try:
        for body in bodies:
            window.add(JobFinished.model_validate_json(body))
        weight, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert weight / FEW_RUNS * jobs.MOST_RUNS < 16e6


def _instance(
    name: str, *, last: datetime | None, outcome: Outcome | None, next_run: datetime | None
) -> ServiceHealth:
    job = JobState(
        job_name="data_collection",
        interval_seconds=10.0,
        next_run_at=next_run,
        last_outcome=outcome,
        last_finished_at=last,
        last_success_at=last if outcome == "ok" else None,
    )
    return ServiceHealth(name="collector", instance=name, status="healthy", jobs=(job,))


def _run(run_id: str, finished_at: datetime, duration_ms: float) -> JobFinished:
    return finished(
        job_name="data_collection", run_id=run_id, duration_ms=duration_ms, finished_at=finished_at
    )
