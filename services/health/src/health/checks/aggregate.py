"""What does it all come to? One status from six components and the services. Pure."""

from __future__ import annotations

from collections.abc import Callable

from common.events import CacheUsage
from health.checks.database import database_answers
from health.checks.gemini_api import gemini_answers
from health.checks.recent_orders import orders_do_not_wait
from health.checks.recent_signal import signal_is_recent
from health.checks.scheduler import jobs_succeed
from health.checks.services import missing_services, services_live
from health.checks.upbit_api import upbit_answers
from health.domain import Facts
from health.schemas import (
    ComponentHealth,
    DetailedHealthResponse,
    HealthSummary,
    OverallStatus,
    ServiceHealth,
)

CHECKS: tuple[Callable[[Facts], ComponentHealth], ...] = (
    database_answers,
    upbit_answers,
    gemini_answers,
    jobs_succeed,
    signal_is_recent,
    orders_do_not_wait,
)
# Without these the relay does not run; the others only make it poorer.
ESSENTIAL = frozenset({"database", "upbit_api", "scheduler"})


def judge(facts: Facts, *, version: str) -> DetailedHealthResponse:
    """Return the whole answer."""
    components = tuple(check(facts) for check in CHECKS)
    services = services_live(facts)
    broken = any(component.status == "unhealthy" and component.name in ESSENTIAL for component in components)
    statuses = [part.status for part in components] + [service.status for service in services]
    flawed = any(status != "healthy" for status in statuses)
    status: OverallStatus = "healthy"
    if broken or missing_services(facts):
        status = "unhealthy"
    elif flawed:
        status = "degraded"
    return DetailedHealthResponse(
        status=status, timestamp=facts.now, version=version, components=components, services=services
    )


def summarize(detail: DetailedHealthResponse) -> HealthSummary:
    """Return the status with one sentence for each flaw, the services first."""
    flaws = [_service_flaw(service) for service in detail.services if service.status != "healthy"]
    flaws += [
        f"{component.name}: {component.message or component.status}"
        for component in detail.components
        if component.status != "healthy"
    ]
    return HealthSummary(
        status=detail.status, timestamp=detail.timestamp, version=detail.version, flaws=tuple(flaws)
    )


def _service_flaw(service: ServiceHealth) -> str:
    if service.instance is None:
        return f"{service.name}: missing"
    if service.status == "unhealthy":
        return f"{service.name}: {service.instance} {service.message or 'does not answer'}"
    return f"{service.name}: {service.instance} {_settings_flaw(service.cache)}"


def _settings_flaw(cache: CacheUsage | None) -> str:
    """Say which settings are not used as they are stored; the invalid ones wait for a person."""
    if cache and cache.invalid_keys:
        keys = ", ".join(cache.invalid_keys)
        return f"does not use what is stored for {keys}: it breaks the rule; set it again"
    return f"could not check its settings: {', '.join(cache.stale_keys if cache else ())}"
