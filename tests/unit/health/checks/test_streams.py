"""Stream check: from when on a stream is too full, and one that takes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from common.events import InstanceState
from health.checks.scheduler import jobs_succeed
from health.domain import Facts, LiveInstance, StreamFill, StreamReading
from unit.health.facts import facts, instance, live

UNTAKEN = "MARKET takes nothing: TimeoutError: nats: timeout"


def filled(ratio: float) -> Facts:
    return facts(streams=StreamReading(fills=(StreamFill("MARKET"), StreamFill("DEAD", ratio))))


@pytest.mark.parametrize(
    ("ratio", "status"),
    [(0.79, "healthy"), (0.8, "warning"), (0.989, "warning"), (0.99, "unhealthy"), (1.0, "unhealthy")],
)
def test_a_stream_is_a_warning_from_80_percent_and_unhealthy_when_it_is_full(
    ratio: float, status: str
) -> None:
    component = jobs_succeed(filled(ratio))
    assert component.status == status
    assert (component.message is None) == (status == "healthy")


def test_the_sentence_names_the_stream_and_its_percentage() -> None:
    warning = "the stream DEAD is 85 % full; when it is full it refuses new messages"
    assert jobs_succeed(filled(0.85)).message == warning
    assert jobs_succeed(filled(1.0)).message == "the stream DEAD is 100 % full and refuses new messages"


def test_a_jetstream_that_does_not_answer_is_unhealthy() -> None:
    component = jobs_succeed(facts(streams=StreamReading(error="JetStream does not answer: TimeoutError")))
    assert (component.status, component.message) == ("unhealthy", "JetStream does not answer: TimeoutError")


def test_what_no_stream_takes_is_unhealthy_and_names_the_instance() -> None:
    component = jobs_succeed(facts(instances=live(*services(bus_problem=UNTAKEN))))
    assert (component.status, component.message) == ("unhealthy", f"collector-1: {UNTAKEN}")


def test_the_last_words_of_an_instance_that_is_silent_are_not_repeated() -> None:
    collector, *others = services(bus_problem=UNTAKEN)
    again = instance("collector", "collector-2")
    listed = (LiveInstance(collector, silent_seconds=5.0), *live(again, *others))
    assert jobs_succeed(facts(instances=listed)).status == "healthy"


def services(**changes: Any) -> list[InstanceState]:
    return [instance("collector", **changes), instance("health"), instance("signaler")]
