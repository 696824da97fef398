"""Components that only one service can see: what its replicas report."""

from __future__ import annotations

from common.events import ComponentState, ComponentStatus
from health.checks.gemini_api import gemini_answers
from health.checks.upbit_api import upbit_answers
from health.domain import LiveInstance
from unit.health.facts import facts, instance, live


def upbit(status: ComponentStatus, message: str) -> tuple[ComponentState, ...]:
    return (ComponentState(name="upbit_api", status=status, message=message),)


def test_upbit_is_what_the_collector_says() -> None:
    state = instance("collector", components=upbit("warning", "429"))
    found = upbit_answers(facts(instances=live(state)))
    assert (found.name, found.status, found.message) == ("upbit_api", "warning", "429")


def test_one_replica_that_sees_upbit_makes_the_others_trouble_a_warning() -> None:
    replicas = live(
        instance("collector", "c1"), instance("collector", "c2", components=upbit("unhealthy", "ping fails"))
    )
    found = upbit_answers(facts(instances=replicas))
    assert (found.status, found.message) == ("warning", "c2: ping fails")


def test_a_component_whose_reporter_is_gone_is_unhealthy_and_names_it() -> None:
    found = gemini_answers(facts(instances=live(instance("collector"))))
    assert (found.status, found.message) == ("unhealthy", "no signaler answers")


def test_a_component_whose_reporter_is_silent_is_unhealthy_and_names_it() -> None:
    silent = LiveInstance(instance("signaler", "s1"), silent_seconds=7.2)
    found = gemini_answers(facts(instances=(silent,)))
    assert (found.status, found.message) == ("unhealthy", "s1 (signaler) is silent for 7 s")


def test_without_the_bus_it_is_the_bus_that_is_named() -> None:
    found = upbit_answers(facts(instances=(), bus_error="NATS is away"))
    assert found.message == "collector cannot be asked: NATS is away"
