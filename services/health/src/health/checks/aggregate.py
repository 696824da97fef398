"""Aggregation: one status from all components and the services. Pure."""

from __future__ import annotations

from common.events import CacheUsage
from health.checks.registry import CHECKS
from health.checks.services import missing_services, services_live
from health.domain import Facts
from health.schemas import (
    DetailedHealthResponse,
    HealthSummary,
    OverallStatus,
    ServiceHealth,
)


def judge(facts: Facts, *, version: str) -> DetailedHealthResponse:
    """Return the whole answer."""
    components = tuple(check.judge(facts) for check in CHECKS)
    services = services_live(facts)
    broken = any(
        check.is_essential and component.status == "unhealthy"
        for check, component in zip(CHECKS, components, strict=True)
    )
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
