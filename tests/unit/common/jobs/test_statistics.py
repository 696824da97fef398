"""Job statistics: one row for each job, whatever order and however often its runs are reported."""

from __future__ import annotations

import random
import statistics
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.events import JobFinished
from common.jobs.statistics import JobAggregator, JobStatistics, percentile
from unit.common.jobs.records import NINE, finished


def run(number: int, **changes: Any) -> JobFinished:
    """A good run that ended `number` minutes after nine."""
    ended = NINE + timedelta(minutes=number)
    return finished(**{"run_id": f"run-{number}", "finished_at": ended} | changes)


def rows(*records: JobFinished) -> list[JobStatistics]:
    tally = JobAggregator()
    for record in records:
        tally.add(record)
    return tally.rows()


def failed(number: int, error: str = "TransientError: 503", **changes: Any) -> JobFinished:
    return run(number, outcome="failed", error=error, **changes)


def skipped(number: int, **changes: Any) -> JobFinished:
    return run(number, outcome="skipped", reason="late", duration_ms=0.1, **changes)


@pytest.mark.parametrize(
    ("values", "fraction", "expected"),
    [
        ([7.5], 0.99, 7.5),
        ([1.0, 2.0], 0.5, 1.5),
        ([1.0, 2.0, 4.0], 0.5, 2.0),
        ([10.0, 20.0, 30.0, 40.0, 50.0], 0.95, 48.0),
        ([0.0] * 99 + [100.0], 0.99, 1.0),
    ],
)
def test_a_percentile_lies_on_the_line_between_its_neighbours(
    values: list[float], fraction: float, expected: float
) -> None:
    assert percentile(values, fraction) == pytest.approx(expected, rel=1e-12)


@given(st.lists(st.floats(0, 1e7), min_size=2, max_size=200))
def test_percentiles_are_those_of_the_standard_library(values: list[float]) -> None:
    ordered = sorted(values)
    hundredths = statistics.quantiles(ordered, n=100, method="inclusive")
    for percent in (50, 95, 99):
        assert percentile(ordered, percent / 100) == pytest.approx(hundredths[percent - 1])


def test_skipped_runs_are_counted_apart_each_as_often_as_its_record_says() -> None:
    (row,) = rows(run(1, duration_ms=30.0), failed(2, duration_ms=10.0), skipped(3, count=5), skipped(4))
    assert (row.runs, row.ok, row.failed, row.skipped) == (2, 1, 1, 6)
    assert (row.success_rate, row.p50_ms) == (50.0, 20.0)


def test_a_job_that_was_only_skipped_has_neither_rate_nor_duration() -> None:
    (row,) = rows(skipped(1))
    assert (row.runs, row.success_rate, row.p50_ms, row.p95_ms, row.p99_ms) == (0, None, None, None, None)
    assert (row.last_outcome, row.last_reason, row.last_error) == ("skipped", "late", None)


def test_one_failure_among_many_runs_is_not_rounded_away() -> None:
    (row,) = rows(failed(0), *(run(number) for number in range(1, 30_000)))
    assert row.success_rate == 99.99


def test_retries_are_counted_and_so_are_the_runs_they_saved() -> None:
    (row,) = rows(run(1), run(2, attempts=2), failed(3, attempts=4), skipped(4, attempts=2))
    assert (row.retries, row.ok_after_retries) == (5, 1)


def test_the_last_run_is_the_one_that_ended_last_and_the_error_that_of_the_last_failure() -> None:
    (row,) = rows(run(9), failed(7, "TransientError: newest"), failed(2, "TransientError: old"), run(1))
    assert (row.last_outcome, row.last_finished_at) == ("ok", NINE + timedelta(minutes=9))
    assert row.last_error == "TransientError: newest"


def test_a_run_that_is_reported_twice_counts_once() -> None:
    (row,) = rows(run(1), failed(2), failed(2), run(1))
    assert (row.runs, row.failed) == (2, 1)


def test_the_same_job_of_two_services_is_two_rows_and_two_replicas_are_one() -> None:
    found = rows(run(1), run(2, instance="c-2"), run(3, service="signaler"))
    assert [(row.service, row.runs) for row in found] == [("collector", 2), ("signaler", 1)]


@given(st.randoms(use_true_random=False))
def test_the_order_that_replicas_report_in_changes_nothing(order: random.Random) -> None:
    records = [
        run(1, attempts=2),
        run(2, duration_ms=99.5),
        failed(3),
        failed(3, "other", run_id="z"),
        skipped(4),
    ]
    shuffled = records.copy()
    order.shuffle(shuffled)
    assert rows(*shuffled) == rows(*records)
