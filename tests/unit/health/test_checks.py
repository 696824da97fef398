"""Where exactly does each component turn? The scheduler has `test_scheduler_check.py`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from common.events import CacheUsage, ComponentState, ComponentStatus, PoolUsage
from health.checks.database import database_answers
from health.checks.gemini_api import gemini_answers
from health.checks.recent_orders import orders_do_not_wait
from health.checks.recent_signal import limit_for, signal_is_recent
from health.checks.services import missing_services, services_live
from health.checks.upbit_api import upbit_answers
from health.domain import DatabaseReading, LiveInstance
from unit.health.facts import ago, facts, instance, live, stored


def upbit(status: ComponentStatus, message: str) -> tuple[ComponentState, ...]:
    return (ComponentState(name="upbit_api", status=status, message=message),)


@pytest.mark.parametrize(("latency_ms", "status"), [(250.0, "healthy"), (250.1, "warning")])
def test_a_database_slower_than_250_ms_is_a_warning(latency_ms: float, status: str) -> None:
    reading = replace(stored(), latency_ms=latency_ms)
    found = database_answers(facts(database=reading))
    assert (found.status, found.latency_ms) == (status, latency_ms)


def test_a_database_that_fails_is_unhealthy_and_says_why() -> None:
    found = database_answers(facts(database=DatabaseReading(error="connection refused")))
    assert (found.status, found.message) == ("unhealthy", "connection refused")


@pytest.mark.parametrize(
    ("in_use", "waiting", "status"), [(6, 1, "warning"), (6, 0, "healthy"), (5, 1, "healthy")]
)
def test_somebody_waiting_for_a_full_pool_is_a_warning(in_use: int, waiting: int, status: str) -> None:
    pool = PoolUsage(min=3, max=6, size=6, in_use=in_use, waiting=waiting)
    found = database_answers(facts(instances=live(instance("signaler", pool=pool))))
    assert found.status == status


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


@pytest.mark.parametrize(("interval", "minutes"), [(1, 60), (55, 60), (56, 61), (60, 65), (1440, 1445)])
def test_a_signal_may_be_as_old_as_an_hour_or_an_interval_and_five_minutes(
    interval: int, minutes: int
) -> None:
    assert limit_for(interval) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("minutes", "status"), [(65, "healthy"), (65.1, "warning"), (195, "warning"), (195.1, "unhealthy")]
)
def test_an_old_signal_is_a_warning_and_three_times_that_unhealthy(minutes: float, status: str) -> None:
    reading = stored(newest_signal_at=ago(minutes=minutes))
    assert signal_is_recent(facts(database=reading)).status == status


@pytest.mark.parametrize("newest", [None, ago(days=3)])
def test_a_young_stack_says_when_its_first_signal_is_due(newest: object) -> None:
    reading = stored(newest_signal_at=newest)
    found = signal_is_recent(facts(database=reading, stack_since=ago(minutes=5)))
    assert (found.status, found.message) == ("healthy", "due by 2026-03-11T15:00:00Z")


def test_signals_that_cannot_be_read_are_unhealthy() -> None:
    found = signal_is_recent(facts(database=DatabaseReading(stored_error="PostgreSQL is away")))
    assert (found.status, found.message) == ("unhealthy", "signals cannot be read: PostgreSQL is away")


@pytest.mark.parametrize(
    ("minutes", "status"), [(10, "healthy"), (10.1, "warning"), (60, "warning"), (60.1, "unhealthy")]
)
def test_an_order_may_be_active_for_ten_minutes(minutes: float, status: str) -> None:
    reading = stored(oldest_active_order_at=ago(minutes=minutes), any_order=True)
    assert orders_do_not_wait(facts(database=reading)).status == status


@pytest.mark.parametrize(
    ("any_order", "message"), [(False, "there are no orders yet"), (True, "no order is active")]
)
def test_no_active_order_is_healthy_and_says_so(any_order: bool, message: str) -> None:
    found = orders_do_not_wait(facts(database=stored(any_order=any_order)))
    assert (found.status, found.message) == ("healthy", message)


def test_a_missing_service_is_listed_without_an_instance() -> None:
    known = facts(instances=live(instance("collector"), instance("health")))
    rows = [(row.name, row.instance, row.status) for row in services_live(known)]
    assert rows == [
        ("collector", "collector-1", "healthy"),
        ("signaler", None, "unhealthy"),
        ("health", "health-1", "healthy"),
    ]
    assert missing_services(known) == ["signaler"]


def test_a_service_whose_only_instance_is_silent_counts_as_missing() -> None:
    silent = LiveInstance(instance("collector"), silent_seconds=4.0)
    known = facts(instances=(silent, *live(instance("signaler"), instance("health"))))
    assert missing_services(known) == ["collector"]


@pytest.mark.parametrize("flaw", ["stale_keys", "invalid_keys"])
def test_an_instance_that_serves_old_settings_is_a_warning(flaw: str) -> None:
    cache = CacheUsage.model_validate(
        {"hits": 1, "misses": 1, "hit_rate": 50.0, "waits": 0, flaw: ["markets"]}
    )
    rows = services_live(facts(instances=live(instance("signaler", cache=cache))))
    assert rows[1].status == "warning"


def test_a_server_that_was_started_again_is_told_for_a_moment() -> None:
    component = database_answers(facts(database=replace(stored(), restarted_at=ago(seconds=2))))
    assert (component.status, component.message) == ("warning", "PostgreSQL was started again, seen 2 s ago")
    assert (
        database_answers(facts(database=replace(stored(), restarted_at=ago(seconds=6)))).status == "healthy"
    )
