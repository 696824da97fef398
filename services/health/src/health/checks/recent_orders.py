"""No order stays active for long.

10 min: a market order ends in seconds, a limit order near the price in minutes; longer is worth a look. 60
min: the price has moved on, money is bound, a person must decide. No order at all is fine.
"""

from __future__ import annotations

from datetime import timedelta

from health.domain import Facts, in_words
from health.schemas import ComponentHealth

NAME = "recent_orders"
WARNING = timedelta(minutes=10)
UNHEALTHY = timedelta(minutes=60)


def orders_do_not_wait(facts: Facts) -> ComponentHealth:
    """Return the component, from the oldest order that is still active."""
    stored = facts.database.stored
    if stored is None:
        message = f"orders cannot be read: {facts.database.stored_error}"
        return ComponentHealth(name=NAME, status="unhealthy", message=message)
    oldest = stored.oldest_active_order_at
    if oldest is None:
        message = "no order is active" if stored.any_order else "there are no orders yet"
        return ComponentHealth(name=NAME, status="healthy", message=message)
    age = facts.now - oldest
    if age <= WARNING:
        return ComponentHealth(name=NAME, status="healthy")
    limit = UNHEALTHY if age > UNHEALTHY else WARNING
    return ComponentHealth(
        name=NAME,
        status="unhealthy" if age > UNHEALTHY else "warning",
        message=f"an order is active for {in_words(age)}, more than {in_words(limit)}",
    )
