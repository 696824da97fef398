"""Aggregation: what the components and the services come to."""

from __future__ import annotations

from typing import Any

import pytest

from common.events import ComponentState
from health.checks.aggregate import judge, summarize
from health.checks.registry import COMPONENTS
from health.domain import DatabaseReading, LiveInstance
from unit.health.facts import ago, facts, instance, live, stored

NO_GEMINI = instance(
    "signaler", components=(ComponentState(name="gemini_api", status="unhealthy", message="the list fails"),)
)


def test_a_healthy_stack_lists_every_component_in_order_without_a_flaw() -> None:
    detail = judge(facts(), version="0.1.0")
    assert tuple(component.name for component in detail.components) == COMPONENTS
    assert (detail.status, summarize(detail).flaws) == ("healthy", ())


def test_every_component_is_there_when_nothing_is_known() -> None:
    detail = judge(facts(instances=(), database=DatabaseReading(), last_success={}), version="0.1.0")
    assert tuple(component.name for component in detail.components) == COMPONENTS
    assert {row.instance for row in detail.services} == {None}


@pytest.mark.parametrize("service", ["collector", "signaler", "health"])
def test_a_missing_service_makes_it_unhealthy(service: str) -> None:
    others = [item for item in facts().instances if item.state.service != service]
    detail = judge(facts(instances=tuple(others)), version="0.1.0")
    assert detail.status == "unhealthy"
    assert f"{service}: missing" in summarize(detail).flaws


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"database": DatabaseReading(error="refused", stored_error="refused")}, "unhealthy"),
        ({"database": stored(newest_signal_at=ago(days=1))}, "degraded"),
        ({"instances": live(instance("collector"), NO_GEMINI, instance("health"))}, "degraded"),
    ],
    ids=["database", "signal", "gemini"],
)
def test_a_database_that_fails_makes_it_unhealthy_and_what_only_decides_degrades_it(
    changes: dict[str, Any], status: str
) -> None:
    assert judge(facts(**changes), version="0.1.0").status == status


def test_a_silent_replica_beside_one_that_answers_only_degrades_it() -> None:
    silent = LiveInstance(instance("collector", "c2"), silent_seconds=5.0)
    detail = judge(facts(instances=(*facts().instances, silent)), version="0.1.0")
    assert detail.status == "degraded"
    assert summarize(detail).flaws == ("collector: c2 does not answer",)


def test_silence_is_the_flaw_of_an_instance_that_was_refused_something_before() -> None:
    silent = LiveInstance(instance("collector", bus_refusal="nats: refused"), silent_seconds=4.0)
    others = tuple(item for item in facts().instances if item.state.service != "collector")
    detail = judge(facts(instances=(silent, *others)), version="0.1.0")
    assert "collector: collector-1 does not answer" in summarize(detail).flaws
