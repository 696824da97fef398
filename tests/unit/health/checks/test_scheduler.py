"""Scheduler check: late jobs, stuck consumers, a lost bus."""

from __future__ import annotations

from dataclasses import replace

import pytest

from common.events import ConsumerState, JobState
from health.checks.recent_signal import signal_is_recent
from health.checks.scheduler import jobs_succeed
from health.domain import Facts
from unit.health.facts import NOW, ago, facts, instance, live, stored


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
    found = jobs_succeed(facts(instances=live(state, instance("signaler")), last_success=late))
    assert found.message == "gap_repair: no success for 3 min, more than 3 min; last run skipped: stale_data"


@pytest.mark.parametrize(
    ("hours", "status"), [(2, "healthy"), (2.01, "warning"), (3, "warning"), (3.01, "unhealthy")]
)
def test_a_job_that_never_ran_is_healthy_until_its_service_is_as_old_as_the_limit(
    hours: float, status: str
) -> None:
    success = {job: at for job, at in facts().last_success.items() if job[1] != "retention"}
    since = {"collector": ago(hours=hours)}
    assert jobs_succeed(facts(last_success=success, service_since=since)).status == status


def test_a_job_that_is_not_due_yet_says_when_it_is() -> None:
    success = {job: at for job, at in facts().last_success.items() if job[1] != "retention"}
    found = jobs_succeed(facts(last_success=success, service_since={"collector": NOW}))
    assert (found.status, found.message) == ("healthy", "retention is first due at 2026-03-11T15:00:00Z")


def test_a_job_that_is_not_scheduled_is_unhealthy() -> None:
    states = live(instance("collector", jobs=()), instance("signaler"))
    found = jobs_succeed(facts(instances=states))
    assert found.status == "unhealthy"
    assert "data_collection is not scheduled on collector-1" in (found.message or "")


def test_without_the_bus_no_run_is_claimed() -> None:
    component = jobs_succeed(facts(bus_error="NATS is away"))
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
    return facts(instances=live(*collectors, instance("health"), instance("signaler")))


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
    found = facts(instances=live(instance("collector"), instance("health"), changed))
    long_ago = {**found.last_success, ("signaler", "signal_generation"): ago(minutes=50)}
    assert jobs_succeed(replace(found, last_success=long_ago)).status == "healthy"


def test_nothing_ages_behind_the_end_of_a_recording() -> None:
    ended = instance("collector", exchange_stands_since=ago(hours=9))
    found = facts(
        instances=live(ended, instance("health"), instance("signaler")),
        database=stored(newest_signal_at=ago(hours=9)),
    )
    decided = {**found.last_success, ("signaler", "signal_generation"): ago(hours=9)}
    found = replace(found, last_success=decided)
    assert (jobs_succeed(found).status, signal_is_recent(found).status) == ("healthy", "healthy")
