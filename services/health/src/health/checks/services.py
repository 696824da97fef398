"""Each of collector, signaler and health has an instance that answers.

An instance that was asked and has said nothing for 3 s is unhealthy: it is dead, frozen or cut off. After
15 s of silence (three heartbeats) it is no longer listed; a goodbye ends that at once. One that cannot use a
setting as it is stored is a warning: it works, but with other settings. One that NATS does not let publish
or receive what it must is unhealthy, until a minute after the last time.
"""

from __future__ import annotations

from common.events import SERVICES, ComponentStatus
from health.domain import Facts, LiveInstance
from health.schemas import ServiceHealth


def services_live(facts: Facts) -> tuple[ServiceHealth, ...]:
    """Return every live instance, and one row with `instance` None for each service that has none."""
    expected = [row for name in SERVICES for row in _rows(facts, name)]
    others = [_row(live) for live in facts.instances if live.state.service not in SERVICES]
    return (*expected, *others)


def missing_services(facts: Facts) -> list[str]:
    """Return the expected services of which no instance answers."""
    return [name for name in SERVICES if not facts.answering(name)]


def _rows(facts: Facts, name: str) -> list[ServiceHealth]:
    rows = [_row(live) for live in facts.instances if live.state.service == name]
    return rows or [ServiceHealth(name=name, instance=None, status="unhealthy")]


def _row(live: LiveInstance) -> ServiceHealth:
    state = live.state
    return ServiceHealth(
        name=state.service,
        instance=state.instance,
        status=_status(live),
        uptime_s=state.uptime_s,
        pool=state.pool,
        cache=state.cache,
        jobs=state.jobs,
        message=state.bus_refusal if live.silent_seconds is None else None,
    )


def _status(live: LiveInstance) -> ComponentStatus:
    if live.silent_seconds is not None or live.state.bus_refusal:
        return "unhealthy"
    cache = live.state.cache
    # Then a last known value is in use: PostgreSQL could not be asked, or the row is nonsense.
    return "warning" if cache and (cache.stale_keys or cache.invalid_keys) else "healthy"
