"""Order check: both sides of its limits."""

from __future__ import annotations

import pytest

from health.checks.recent_orders import orders_do_not_wait
from unit.health.facts import ago, facts, stored


@pytest.mark.parametrize(
    ("minutes", "status"), [(10, "healthy"), (10.1, "warning"), (60, "warning"), (60.1, "unhealthy")]
)
def test_an_order_may_be_active_for_ten_minutes(minutes: float, status: str) -> None:
    reading = stored(oldest_active_order_at=ago(minutes=minutes), any_order=True)
    assert orders_do_not_wait(facts(database=reading)).status == status


@pytest.mark.parametrize(
    ("any_order", "message"), [(False, "there are no orders yet"), (True, "no order is active")]
)
def test_no_active_order_is_healthy_and_says_so(any_order: bool, message: str) -> None:
    found = orders_do_not_wait(facts(database=stored(any_order=any_order)))
    assert (found.status, found.message) == ("healthy", message)
