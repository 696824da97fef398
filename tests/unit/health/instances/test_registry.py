"""Registry of instances: who is live, silent or gone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from common.events import InstanceState
from health.instances.registry import Registry
from unit.health.facts import NOW, STARTED, ago, instance


def _names(registry: Registry, now: float) -> list[str]:
    return [each.state.instance for each in registry.live(now)]


@pytest.fixture
def registry() -> Registry:
    return Registry(own="health")


@pytest.mark.parametrize(("after", "names"), [(15.0, ["c1"]), (15.1, [])])
def test_an_instance_is_gone_after_fifteen_seconds(
    registry: Registry, after: float, names: list[str]
) -> None:
    registry.record_heartbeat(instance("collector", "c1"), 100.0)
    assert _names(registry, 100.0 + after) == names


def test_a_goodbye_ends_it_at_once_and_a_late_message_does_not_revive_it(registry: Registry) -> None:
    registry.record_heartbeat(instance("collector", "c1"), 100.0)
    registry.remove("c1", 101.0)
    registry.record_heartbeat(instance("collector", "c1"), 101.1)
    assert _names(registry, 101.2) == []


@pytest.mark.parametrize(("at", "silent"), [(103.0, None), (103.5, 3.5)])
def test_an_instance_that_was_asked_and_says_nothing_for_three_seconds_is_silent(
    registry: Registry, at: float, silent: float | None
) -> None:
    registry.record_heartbeat(instance("collector", "c1"), 100.0)
    registry.record_poll(101.0)
    assert [each.silent_seconds for each in registry.live(at)] == [silent]


def test_an_instance_that_was_not_asked_is_not_silent(registry: Registry) -> None:
    registry.record_poll(99.0)
    registry.record_heartbeat(instance("collector", "c1"), 100.0)
    assert [each.silent_seconds for each in registry.live(110.0)] == [None]


def test_all_have_answered_when_each_service_and_each_instance_has(registry: Registry) -> None:
    registry.record_heartbeat(instance("collector", "c1"), 100.0)
    registry.record_poll(101.0)
    for state in (instance("collector", "c2"), instance("signaler"), instance("health")):
        registry.record_heartbeat(state, 101.5)
    assert not registry.all_answered(101.0)
    registry.record_heartbeat(instance("collector", "c1"), 101.6)
    assert registry.all_answered(101.0)


def test_the_stack_is_as_old_as_its_oldest_other_instance(registry: Registry) -> None:
    registry.record_heartbeat(instance("health", started_at=ago(days=9)), 100.0)
    assert registry.stack_since(100.0) is None
    registry.record_heartbeat(instance("collector", started_at=ago(hours=1)), 100.0)
    registry.record_heartbeat(instance("signaler", started_at=ago(hours=2)), 100.0)
    assert registry.stack_since(101.0) == ago(hours=2)


def test_the_stacks_age_is_remembered_while_no_other_instance_is_there(registry: Registry) -> None:
    registry.record_heartbeat(instance("collector"), 100.0)
    registry.stack_since(100.0)
    assert registry.stack_since(200.0) == STARTED


def test_the_newest_success_over_all_replicas_counts_also_after_they_are_gone(registry: Registry) -> None:
    registry.record_heartbeat(_succeeded("c1", NOW), 100.0)
    registry.record_heartbeat(_succeeded("c2", NOW - timedelta(minutes=5)), 110.0)
    registry.live(130.0)
    assert registry.last_success["collector", "gap_repair"] == NOW


def _succeeded(name: str, at: object) -> InstanceState:
    state = instance("collector", name)
    jobs = tuple(job.model_copy(update={"last_success_at": at}) for job in state.jobs)
    return state.model_copy(update={"jobs": jobs})
