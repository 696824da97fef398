from __future__ import annotations

from datetime import timedelta

from common.events import JobState
from common.jobs.states import JobStates
from unit.common.jobs.records import NINE, finished

LATER = NINE + timedelta(minutes=1)


def ledger() -> JobStates:
    known = JobStates()
    known.register("gap_repair", 60)
    return known


def only(known: JobStates) -> JobState:
    (state,) = known.states({})
    return state


def test_a_registered_job_has_no_history() -> None:
    state = only(ledger())
    assert state.interval_since is not None
    assert state == JobState(
        job_name="gap_repair", interval_seconds=60, interval_since=state.interval_since, next_run_at=None
    )


def test_a_job_runs_until_it_finishes_or_another_replica_has_won_it() -> None:
    known = ledger()
    known.record_start("gap_repair")
    assert only(known).running_since is not None
    known.record_not_claimed("gap_repair")
    assert only(known).running_since is None
    known.record_start("gap_repair")
    known.record_finish(finished())
    assert only(known).running_since is None


def test_a_failure_keeps_the_time_of_the_last_success() -> None:
    known = ledger()
    known.record_finish(finished())
    known.record_finish(finished(outcome="failed", error="TransientError: 503", finished_at=LATER))
    state = only(known)
    assert (state.last_outcome, state.last_error) == ("failed", "TransientError: 503")
    assert (state.last_success_at, state.last_finished_at) == (NINE, LATER)


def test_a_skipped_run_tells_its_reason_and_is_no_success() -> None:
    known = ledger()
    known.record_finish(finished(outcome="skipped", reason="stale_data"))
    state = only(known)
    assert (state.last_outcome, state.last_error) == ("skipped", "stale_data")
    assert (state.last_success_at, state.last_finished_at) == (None, NINE)


def test_a_success_wipes_the_last_error() -> None:
    known = ledger()
    known.record_finish(finished(outcome="failed", error="TransientError: 503"))
    known.record_finish(finished(finished_at=LATER))
    assert (only(known).last_error, only(known).last_success_at) == (None, LATER)


def test_a_changed_interval_keeps_the_history_and_tells_since_when_it_counts() -> None:
    known = ledger()
    known.record_finish(finished())
    before = only(known)
    known.register("gap_repair", 60)
    assert only(known) == before
    known.register("gap_repair", 30)
    after = only(known)
    assert (after.interval_seconds, after.last_success_at) == (30, NINE)
    assert before.interval_since is not None
    assert after.interval_since is not None
    assert after.interval_since > before.interval_since


def test_a_record_of_an_unknown_job_is_left_out() -> None:
    known = ledger()
    known.record_finish(finished(job_name="retention"))
    known.record_start("retention")
    assert [state.job_name for state in known.states({})] == ["gap_repair"]


def test_the_next_run_comes_from_the_scheduler_or_from_the_job_itself() -> None:
    known = ledger()
    known.register("signal_generation", 3600, next_run=lambda: LATER)
    states = known.states({"gap_repair": NINE, "signal_generation": NINE})
    assert [(state.job_name, state.next_run_at) for state in states] == [
        ("gap_repair", NINE),
        ("signal_generation", LATER),
    ]
