"""The database answers SELECT 1 quickly and no caller waits for a connection.

250 ms: SELECT 1 takes about 1 ms on a healthy server; a hundred times that is already felt in every job.
1 s: after that, a store page of 200 candles no longer fits between two pages. The probe applies it.
A server that was started again is a warning for 6 s: it is back within a second, and no one would know.
"""

from __future__ import annotations

from common.events import InstanceState
from health.domain import DatabaseReading, Facts
from health.schemas import ComponentHealth

NAME = "database"
SLOW_MS = 250.0


def database_answers(facts: Facts) -> ComponentHealth:
    """Return the component; a full pool counts where a caller waits for it."""
    reading = facts.database
    if reading.error:
        return ComponentHealth(name=NAME, status="unhealthy", message=reading.error)
    problem = _slow(reading) or _pool_waiting([live.state for live in facts.instances]) or _restarted(facts)
    return ComponentHealth(
        name=NAME,
        status="warning" if problem else "healthy",
        latency_ms=reading.latency_ms,
        message=problem,
    )


def _slow(reading: DatabaseReading) -> str | None:
    if reading.latency_ms is not None and reading.latency_ms > SLOW_MS:
        return f"SELECT 1 took {reading.latency_ms:.0f} ms, more than {SLOW_MS:.0f} ms"
    return None


def _restarted(facts: Facts) -> str | None:
    seconds = facts.seconds_since_interruption(facts.database.restarted_at)
    return None if seconds is None else f"PostgreSQL was started again, seen {seconds} s ago"


def _pool_waiting(instances: list[InstanceState]) -> str | None:
    for state in instances:
        pool = state.pool
        # To take a free connection is a wait of a millisecond too; only without a free one it is a flaw.
        if pool and pool.waiting and pool.in_use >= pool.size:
            return (
                f"{pool.waiting} callers of {state.instance} wait for a connection:"
                f" {pool.in_use} of at most {pool.max} are in use"
            )
    return None
