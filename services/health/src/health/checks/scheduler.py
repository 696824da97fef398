"""Every scheduled job succeeds at its own pace, on whichever replica.

2 intervals: one run may fail or be skipped, the next one makes up for it. 3: the second failed too. A run
that was skipped (`stale_data`, `late`) is no success. A job without a success yet is due when its service has
run for two intervals. Runs are claimed over NATS, so without it none begins; one that was away and is back is
a warning for 6 s.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from common.events import JobState
from health.checks.consumers import judge_consumers
from health.checks.streams import judge_streams
from health.domain import Facts, clock_time, in_words
from health.schemas import ComponentHealth

NAME = "scheduler"
WARNING_INTERVALS = 2
UNHEALTHY_INTERVALS = 3
SIGNAL_GENERATION = "signal_generation"
EXPECTED_JOBS = (
    ("collector", "data_collection"),
    ("collector", "gap_repair"),
    ("collector", "retention"),
    ("signaler", SIGNAL_GENERATION),
)


def jobs_succeed(facts: Facts) -> ComponentHealth:
    """Return the component: the worst of all expected jobs, each flaw named."""
    verdicts = [
        _judge_bus(facts),
        *judge_streams(facts),
        *judge_consumers(facts),
        *(_judge(facts, service, job_name) for service, job_name in EXPECTED_JOBS),
    ]
    for status in ("unhealthy", "warning", "healthy"):
        sentences = [sentence for verdict, sentence in verdicts if verdict == status and sentence]
        if sentences or status == "healthy":
            message = "; ".join(dict.fromkeys(sentences)) or None
            return ComponentHealth(name=NAME, status=status, message=message)
    raise AssertionError("unreachable: the last status always returns")


def _judge_bus(facts: Facts) -> tuple[str, str | None]:
    if facts.bus_error:
        return "unhealthy", f"no run can be claimed: {facts.bus_error}"
    seconds = facts.seconds_since_interruption(facts.bus_back_since)
    return ("healthy", None) if seconds is None else ("warning", f"NATS was away until {seconds} s ago")


def _judge(facts: Facts, service: str, job_name: str) -> tuple[str, str | None]:
    answering = facts.answering(service)
    if not answering:
        return "unhealthy", facts.why_no_report(service)
    states = [job for state in answering for job in state.jobs if job.job_name == job_name]
    if not states:
        return "unhealthy", f"{job_name} is not scheduled on {answering[0].instance} ({service})"
    interval = timedelta(seconds=max(state.interval_seconds for state in states))
    success = facts.last_success.get((service, job_name))
    if success is None:
        return _never_ran(facts, service, states, interval)
    # A shorter interval is not held against the time before it was set.
    since = max([success, *(state.interval_since for state in states if state.interval_since)])
    now = facts.exchange_runs_until if job_name == SIGNAL_GENERATION else facts.now
    return _aged(now - since, interval, f"{job_name}: no success", states)


def _never_ran(
    facts: Facts, service: str, states: list[JobState], interval: timedelta
) -> tuple[str, str | None]:
    since = facts.service_since.get(service, facts.now)
    verdict = _aged(facts.now - since, interval, f"{states[0].job_name}: no success since the start", states)
    if verdict[0] != "healthy":
        return verdict
    due = _next_run(facts.now, states) or since + interval
    return "healthy", f"{states[0].job_name} is first due at {clock_time(due)}"


def _aged(
    age: timedelta, interval: timedelta, sentence: str, states: list[JobState]
) -> tuple[str, str | None]:
    for status, intervals in (("unhealthy", UNHEALTHY_INTERVALS), ("warning", WARNING_INTERVALS)):
        if age > intervals * interval:
            limit = in_words(intervals * interval)
            return status, f"{sentence} for {in_words(age)}, more than {limit}{_last_words(states)}"
    return "healthy", None


def _last_words(states: list[JobState]) -> str:
    newest = max(
        states, key=lambda state: state.last_finished_at.timestamp() if state.last_finished_at else 0
    )
    if newest.last_outcome in (None, "ok"):
        return ""
    return f"; last run {newest.last_outcome}: {newest.last_error or 'no reason given'}"


def _next_run(now: datetime, states: list[JobState]) -> datetime | None:
    # In a replay the next run lies in the recording's time, long ago; it does not say when to look.
    return min(
        (state.next_run_at for state in states if state.next_run_at and state.next_run_at > now), default=None
    )
