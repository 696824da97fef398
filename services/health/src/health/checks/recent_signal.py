"""A signal was made not long ago.

max(60 min, interval + 5 min): with an interval of an hour one signal an hour is due, and a decision takes at
most 90 s; with shorter intervals an hour without any is the point where a person wants to know. Three times
that is a broken signaler. Signals from before a pause of the whole stack do not count against it.
"""

from __future__ import annotations

from datetime import timedelta

from health.domain import Facts, clock_time, in_words
from health.schemas import ComponentHealth

NAME = "recent_signal"
AT_LEAST = timedelta(minutes=60)
GRACE = timedelta(minutes=5)
UNHEALTHY_TIMES = 3


def limit_for(interval_minutes: int) -> timedelta:
    """Return how old the newest signal may be."""
    return max(AT_LEAST, timedelta(minutes=interval_minutes) + GRACE)


def signal_is_recent(facts: Facts) -> ComponentHealth:
    """Return the component, from the newest signal's `created_at` or, after a start, the stack's age."""
    stored = facts.database.stored
    if stored is None:
        message = f"signals cannot be read: {facts.database.stored_error}"
        return ComponentHealth(name=NAME, status="unhealthy", message=message)
    limit = limit_for(stored.signal_interval_minutes)
    newest = stored.newest_signal_at
    reference = max(newest or facts.stack_since, facts.stack_since)
    age = facts.exchange_runs_until - reference
    if age <= limit:
        due = None if newest and facts.now - newest <= limit else f"due by {clock_time(reference + limit)}"
        return ComponentHealth(name=NAME, status="healthy", message=due)
    said = f"the newest signal is {in_words(facts.now - newest)} old" if newest else "there is no signal yet"
    status = "unhealthy" if age > UNHEALTHY_TIMES * limit else "warning"
    return ComponentHealth(name=NAME, status=status, message=f"{said}, at most {in_words(limit)} is expected")
