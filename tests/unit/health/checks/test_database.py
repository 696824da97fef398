"""Database check: both sides of its limits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from common.events import PoolUsage
from health.checks.database import database_answers
from health.domain import DatabaseReading
from unit.health.facts import ago, facts, instance, live, stored


@pytest.mark.parametrize(("latency_ms", "status"), [(250.0, "healthy"), (250.1, "warning")])
def test_a_database_slower_than_250_ms_is_a_warning(latency_ms: float, status: str) -> None:
    reading = replace(stored(), latency_ms=latency_ms)
    found = database_answers(facts(database=reading))
    assert (found.status, found.latency_ms) == (status, latency_ms)


def test_a_database_that_fails_is_unhealthy_and_says_why() -> None:
    found = database_answers(facts(database=DatabaseReading(error="connection refused")))
    assert (found.status, found.message) == ("unhealthy", "connection refused")


@pytest.mark.parametrize(
    ("in_use", "waiting", "status"), [(6, 1, "warning"), (6, 0, "healthy"), (5, 1, "healthy")]
)
def test_somebody_waiting_for_a_full_pool_is_a_warning(in_use: int, waiting: int, status: str) -> None:
    pool = PoolUsage(min=3, max=6, size=6, in_use=in_use, waiting=waiting)
    found = database_answers(facts(instances=live(instance("signaler", pool=pool))))
    assert found.status == status


def test_a_server_that_was_started_again_is_told_for_a_moment() -> None:
    component = database_answers(facts(database=replace(stored(), restarted_at=ago(seconds=2))))
    assert (component.status, component.message) == ("warning", "PostgreSQL was started again, seen 2 s ago")
    assert (
        database_answers(facts(database=replace(stored(), restarted_at=ago(seconds=6)))).status == "healthy"
    )
