"""What do six components and the services come to?"""

from __future__ import annotations

from typing import Any

import pytest

from common.events import ComponentState
from health.checks.aggregate import judge, summarize
from health.domain import DatabaseReading, LiveInstance
from unit.health.facts import ago, facts, instance, live, stored

NAMES = ["database", "upbit_api", "gemini_api", "scheduler", "recent_signal", "recent_orders"]


def _status(**changes: Any) -> str:
    return judge(facts(**changes), version="0.1.0").status


def test_a_healthy_stack_lists_six_components_in_order_without_a_flaw() -> None:
    detail = judge(facts(), version="0.1.0")
    assert [component.name for component in detail.components] == NAMES
    assert (detail.status, summarize(detail).flaws) == ("healthy", ())


def test_all_six_are_there_when_nothing_is_known() -> None:
    detail = judge(facts(instances=(), database=DatabaseReading(), last_success={}), version="0.1.0")
    assert [component.name for component in detail.components] == NAMES
    assert {row.instance for row in detail.services} == {None}


@pytest.mark.parametrize("service", ["collector", "signaler", "health"])
def test_a_missing_service_makes_it_unhealthy(service: str) -> None:
    others = [item for item in facts().instances if item.state.service != service]
    detail = judge(facts(instances=tuple(others)), version="0.1.0")
    assert detail.status == "unhealthy"
    assert f"{service}: missing" in summarize(detail).flaws


def test_a_database_that_fails_makes_it_unhealthy() -> None:
    assert _status(database=DatabaseReading(error="refused", stored_error="refused")) == "unhealthy"


def test_gemini_unhealthy_only_degrades_it() -> None:
    state = ComponentState(name="gemini_api", status="unhealthy", message="the list fails")
    signaler = instance("signaler", components=(state,))
    assert _status(instances=live(instance("collector"), signaler, instance("health"))) == "degraded"


def test_an_old_signal_only_degrades_it() -> None:
    assert _status(database=stored(newest_signal_at=ago(days=1))) == "degraded"


def test_a_silent_replica_beside_one_that_answers_only_degrades_it() -> None:
    silent = LiveInstance(instance("collector", "c2"), silent_seconds=5.0)
    detail = judge(facts(instances=(*facts().instances, silent)), version="0.1.0")
    assert detail.status == "degraded"
    assert summarize(detail).flaws == ("collector: c2 does not answer",)


def test_what_was_refused_to_one_that_went_silent_is_not_what_is_told_of_it() -> None:
    silent = LiveInstance(instance("collector", bus_refusal="nats: refused"), silent_seconds=4.0)
    others = tuple(item for item in facts().instances if item.state.service != "collector")
    detail = judge(facts(instances=(silent, *others)), version="0.1.0")
    assert "collector: collector-1 does not answer" in summarize(detail).flaws
