"""Verdict on a component that only the instances of one service can see, from their own reports."""

from __future__ import annotations

from common.events import ComponentState
from health.domain import Facts
from health.schemas import ComponentHealth


def reported_component(facts: Facts, name: str, *, reporter: str) -> ComponentHealth:
    """Return the component as its reporter's instances see it.

    One that sees it healthy proves that it is there, so trouble of another replica is a warning; without any
    answer it is unhealthy, and the reporter is named.
    """
    seen = [
        (state.instance, component)
        for state in facts.answering(reporter)
        for component in state.components
        if component.name == name
    ]
    if not seen:
        return ComponentHealth(name=name, status="unhealthy", message=facts.why_no_report(reporter))
    best = min((component for _, component in seen), key=_severity)
    instance, worst = max(seen, key=lambda item: _severity(item[1]))
    if _severity(best) < _severity(worst):
        message = f"{instance}: {worst.message or worst.status}"
        return ComponentHealth(name=name, status="warning", latency_ms=best.latency_ms, message=message)
    return ComponentHealth(name=name, status=worst.status, latency_ms=worst.latency_ms, message=worst.message)


def _severity(component: ComponentState) -> int:
    return ("healthy", "warning", "unhealthy").index(component.status)
