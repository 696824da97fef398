"""Signal check: both sides of its limits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from health.checks.recent_signal import limit_for, signal_is_recent
from health.domain import DatabaseReading
from unit.health.facts import ago, facts, stored


@pytest.mark.parametrize(("interval", "minutes"), [(1, 60), (55, 60), (56, 61), (60, 65), (1440, 1445)])
def test_a_signal_may_be_as_old_as_an_hour_or_an_interval_and_five_minutes(
    interval: int, minutes: int
) -> None:
    assert limit_for(interval) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("minutes", "status"), [(65, "healthy"), (65.1, "warning"), (195, "warning"), (195.1, "unhealthy")]
)
def test_an_old_signal_is_a_warning_and_three_times_that_unhealthy(minutes: float, status: str) -> None:
    reading = stored(newest_signal_at=ago(minutes=minutes))
    assert signal_is_recent(facts(database=reading)).status == status


@pytest.mark.parametrize("newest", [None, ago(days=3)])
def test_a_young_stack_says_when_its_first_signal_is_due(newest: object) -> None:
    reading = stored(newest_signal_at=newest)
    found = signal_is_recent(facts(database=reading, stack_since=ago(minutes=5)))
    assert (found.status, found.message) == ("healthy", "due by 2026-03-11T15:00:00Z")


def test_signals_that_cannot_be_read_are_unhealthy() -> None:
    found = signal_is_recent(facts(database=DatabaseReading(stored_error="PostgreSQL is away")))
    assert (found.status, found.message) == ("unhealthy", "signals cannot be read: PostgreSQL is away")
