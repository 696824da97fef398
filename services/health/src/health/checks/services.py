"""Each of collector, signaler and health has an instance that answers.

An instance that was asked and has said nothing for 3 s is unhealthy: it is dead, frozen or cut off. After
15 s of silence (three heartbeats) it is no longer listed; a goodbye ends that at once.
"""

from __future__ import annotations

from common.events import ComponentStatus
from health.domain import EXPECTED_SERVICES, Facts, HeardInstance
from health.schemas import ServiceHealth


def services_live(facts: Facts) -> tuple[ServiceHealth, ...]:
    """Return every live instance, and one row with `instance` None for each service that has none."""
    expected = [row for name in EXPECTED_SERVICES for row in _rows(facts, name)]
    others = [_row(heard) for heard in facts.instances if heard.state.service not in EXPECTED_SERVICES]
    return (*expected, *others)


def missing_services(facts: Facts) -> list[str]:
    """Return the expected services of which no instance answers."""
    return [name for name in EXPECTED_SERVICES if not facts.answering(name)]


def _rows(facts: Facts, name: str) -> list[ServiceHealth]:
    live = [_row(heard) for heard in facts.instances if heard.state.service == name]
    return live or [ServiceHealth(name=name, instance=None, status="unhealthy")]


def _row(heard: HeardInstance) -> ServiceHealth:
    state = heard.state
    return ServiceHealth(
        name=state.service,
        instance=state.instance,
        status=_status(heard),
        uptime_s=state.uptime_s,
        pool=state.pool,
        cache=state.cache,
        jobs=state.jobs,
    )


def _status(heard: HeardInstance) -> ComponentStatus:
    if heard.silent_seconds is not None:
        return "unhealthy"
    # A stale setting is an old value in use because PostgreSQL could not be asked.
    return "warning" if heard.state.cache and heard.state.cache.stale_keys else "healthy"
