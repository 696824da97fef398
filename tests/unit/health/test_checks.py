"""Where exactly does each component turn?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from common.events import CacheUsage, ComponentState, ComponentStatus, ConsumerState, JobState, PoolUsage
from health.checks.database import database_answers
from health.checks.gemini_api import gemini_answers
from health.checks.recent_orders import orders_do_not_wait
from health.checks.recent_signal import limit_for, signal_is_recent
from health.checks.scheduler import jobs_succeed
from health.checks.services import missing_services, services_live
from health.checks.upbit_api import upbit_answers
from health.domain import DatabaseReading, Facts, HeardInstance
from unit.health.facts import NOW, ago, facts, heard, instance, stored


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
    found = database_answers(facts(instances=heard(instance("signaler", pool=pool))))
    assert found.status == status


def test_upbit_is_what_the_collector_says() -> None:
    state = instance("collector", components=upbit("warning", "429"))
    found = upbit_answers(facts(instances=heard(state)))
    assert (found.name, found.status, found.message) == ("upbit_api", "warning", "429")


def test_one_replica_that_sees_upbit_makes_the_others_trouble_a_warning() -> None:
    replicas = heard(
        instance("collector", "c1"), instance("collector", "c2", components=upbit("unhealthy", "ping fails"))
    )
    found = upbit_answers(facts(instances=replicas))
    assert (found.status, found.message) == ("warning", "c2: ping fails")


def test_a_component_whose_reporter_is_gone_is_unhealthy_and_names_it() -> None:
    found = gemini_answers(facts(instances=heard(instance("collector"))))
    assert (found.status, found.message) == ("unhealthy", "no signaler is heard")


def test_a_component_whose_reporter_is_silent_is_unhealthy_and_names_it() -> None:
    silent = HeardInstance(instance("signaler", "s1"), silent_seconds=7.2)
    found = gemini_answers(facts(instances=(silent,)))
    assert (found.status, found.message) == ("unhealthy", "s1 (signaler) is silent for 7 s")


def test_without_the_bus_it_is_the_bus_that_is_named() -> None:
    found = upbit_answers(facts(instances=(), bus_problem="NATS is away"))
    assert found.message == "collector is not heard: NATS is away"


@pytest.mark.parametrize(
    ("seconds", "status"), [(120, "healthy"), (120.1, "warning"), (180, "warning"), (180.1, "unhealthy")]
)
def test_a_job_is_late_after_two_intervals_and_lost_after_three(seconds: float, status: str) -> None:
    late = {**facts().last_success, ("collector", "gap_repair"): ago(seconds=seconds)}
    assert jobs_succeed(facts(last_success=late)).status == status


def test_a_late_job_tells_how_its_last_run_ended() -> None:
    collector = instance("collector")
    jobs = tuple(
        job.model_copy(
            update={"last_outcome": "skipped", "last_finished_at": NOW, "last_error": "stale_data"}
        )
        for job in collector.jobs
    )
    state = collector.model_copy(update={"jobs": jobs})
    late = {**facts().last_success, ("collector", "gap_repair"): ago(seconds=200)}
    found = jobs_succeed(facts(instances=heard(state, instance("signaler")), last_success=late))
    assert found.message == "gap_repair: no success for 3 min, more than 3 min; last run skipped: stale_data"


@pytest.mark.parametrize(
    ("hours", "status"), [(2, "healthy"), (2.01, "warning"), (3, "warning"), (3.01, "unhealthy")]
)
def test_a_job_that_never_ran_is_healthy_until_its_service_is_as_old_as_the_limit(
    hours: float, status: str
) -> None:
    success = {job: at for job, at in facts().last_success.items() if job[1] != "retention"}
    since = {"collector": ago(hours=hours)}
    assert jobs_succeed(facts(last_success=success, heard_since=since)).status == status


def test_a_job_that_is_not_due_yet_says_when_it_is() -> None:
    success = {job: at for job, at in facts().last_success.items() if job[1] != "retention"}
    found = jobs_succeed(facts(last_success=success, heard_since={"collector": NOW}))
    assert (found.status, found.message) == ("healthy", "retention is first due at 2026-03-11T15:00:00Z")


def test_a_job_that_is_not_scheduled_is_unhealthy() -> None:
    states = heard(instance("collector", jobs=()), instance("signaler"))
    found = jobs_succeed(facts(instances=states))
    assert found.status == "unhealthy"
    assert "data_collection is not scheduled on collector-1" in (found.message or "")


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
    known = facts(instances=heard(instance("collector"), instance("health")))
    rows = [(row.name, row.instance, row.status) for row in services_live(known)]
    assert rows == [
        ("collector", "collector-1", "healthy"),
        ("signaler", None, "unhealthy"),
        ("health", "health-1", "healthy"),
    ]
    assert missing_services(known) == ["signaler"]


def test_a_service_whose_only_instance_is_silent_counts_as_missing() -> None:
    silent = HeardInstance(instance("collector"), silent_seconds=4.0)
    known = facts(instances=(silent, *heard(instance("signaler"), instance("health"))))
    assert missing_services(known) == ["collector"]


@pytest.mark.parametrize("flaw", ["stale_keys", "invalid_keys"])
def test_an_instance_that_serves_old_settings_is_a_warning(flaw: str) -> None:
    cache = CacheUsage.model_validate(
        {"hits": 1, "misses": 1, "hit_rate": 50.0, "waits": 0, flaw: ["markets"]}
    )
    rows = services_live(facts(instances=heard(instance("signaler", cache=cache))))
    assert rows[1].status == "warning"


def test_a_server_that_was_started_again_is_told_for_a_moment() -> None:
    component = database_answers(facts(database=replace(stored(), restarted_at=ago(seconds=2))))
    assert (component.status, component.message) == ("warning", "PostgreSQL was started again, seen 2 s ago")
    assert (
        database_answers(facts(database=replace(stored(), restarted_at=ago(seconds=6)))).status == "healthy"
    )


def test_without_the_bus_no_run_is_claimed() -> None:
    component = jobs_succeed(facts(bus_problem="NATS is away"))
    assert component.status == "unhealthy"
    assert "no run can be claimed: NATS is away" in str(component.message)


def test_a_bus_that_is_back_is_told_for_a_moment() -> None:
    component = jobs_succeed(facts(bus_back_since=ago(seconds=2)))
    assert (component.status, component.message) == ("warning", "NATS was away until 2 s ago")
    assert jobs_succeed(facts(bus_back_since=ago(seconds=6))).status == "healthy"


def consumer(**changes: object) -> ConsumerState:
    state = ConsumerState(
        name="collector-candles-closed", lost=False, pending=3, stuck_seconds=0, patience_seconds=10
    )
    return state.model_copy(update=changes)


def with_consumers(*states: ConsumerState) -> Facts:
    collectors = [instance("collector", f"c{n}", consumers=(state,)) for n, state in enumerate(states)]
    return facts(instances=heard(*collectors, instance("health"), instance("signaler")))


@pytest.mark.parametrize(
    ("stuck_seconds", "status"),
    [(10.0, "healthy"), (10.1, "warning"), (30.0, "warning"), (30.1, "unhealthy")],
)
def test_pages_that_nobody_finishes_are_a_flaw_of_the_scheduler(stuck_seconds: float, status: str) -> None:
    component = jobs_succeed(with_consumers(consumer(stuck_seconds=stuck_seconds)))
    assert component.status == status
    assert ("3 pages wait" in str(component.message)) == (status != "healthy")


def test_a_consumer_that_is_gone_is_unhealthy() -> None:
    assert jobs_succeed(with_consumers(consumer(lost=True))).status == "unhealthy"


def test_the_replica_that_sees_pages_move_is_right() -> None:
    assert jobs_succeed(with_consumers(consumer(stuck_seconds=60.0), consumer())).status == "healthy"


def test_a_shorter_interval_is_not_held_against_the_time_before_it_was_set() -> None:
    minutely = JobState(
        job_name="signal_generation",
        interval_seconds=60.0,
        interval_since=ago(seconds=30),
        next_run_at=NOW,
    )
    changed = instance("signaler", jobs=(minutely,))
    found = facts(instances=heard(instance("collector"), instance("health"), changed))
    long_ago = {**found.last_success, ("signaler", "signal_generation"): ago(minutes=50)}
    assert jobs_succeed(replace(found, last_success=long_ago)).status == "healthy"


def test_nothing_ages_behind_the_end_of_a_recording() -> None:
    ended = instance("collector", exchange_stands_since=ago(hours=9))
    found = facts(
        instances=heard(ended, instance("health"), instance("signaler")),
        database=stored(newest_signal_at=ago(hours=9)),
    )
    decided = {**found.last_success, ("signaler", "signal_generation"): ago(hours=9)}
    found = replace(found, last_success=decided)
    assert (jobs_succeed(found).status, signal_is_recent(found).status) == ("healthy", "healthy")
