"""A stream keeps messages for days, and two versions run side by side: what was written stays readable."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from common.events import (
    EVENTS,
    CandlesClosed,
    ComponentReport,
    ConfigChanged,
    Event,
    ServiceHeartbeat,
    SignalGenerated,
)
from docs.golden import FOLDER, golden_file, made_up

# What older versions send and read, and what must not change; a new event needs no line here.
PUBLISHED = {
    "CandlesClosed": ("market.candle.closed.KRW-BTC", "MARKET"),
    "TickerUpdated": ("market.ticker.KRW-BTC", None),
    "SignalGenerated": ("signal.generated.KRW-BTC", "SIGNALS"),
    "ConfigChanged": ("config.changed", "CONFIG"),
    "JobFinished": ("job.finished.collector.data_collection", "JOBS"),
    "ServiceHeartbeat": ("service.heartbeat.collector", None),
    "ComponentReport": ("health.check", None),
}
each_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)


def golden(event: type[Event]) -> dict[str, Any]:
    path = golden_file(event)
    if not path.exists():
        pytest.fail(f"{event.__name__} has no golden message {path.name}: run `make docs`, then check it")
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def test_every_golden_message_is_of_an_event() -> None:
    assert set(FOLDER.glob("*.json")) <= {golden_file(event) for event in EVENTS}


@pytest.mark.parametrize("event", [SignalGenerated, ServiceHeartbeat])
def test_a_message_is_made_up_of_every_field(event: type[Event]) -> None:
    message = made_up(event)
    assert set(message) == set(event.model_fields)
    assert None not in message.values()


def test_a_message_with_rules_of_its_own_is_to_be_written_by_hand() -> None:
    with pytest.raises(ValueError, match=r"write .*candles_closed.json by hand"):
        made_up(CandlesClosed)


@each_event
def test_a_golden_message_is_readable_and_written_the_same_again(event: type[Event]) -> None:
    message = event.model_validate_json(json.dumps(golden(event)))
    assert json.loads(message.model_dump_json()) == golden(event)


@pytest.mark.parametrize("event", [ServiceHeartbeat, ComponentReport])
def test_an_instance_too_old_to_know_a_field_is_understood(event: type[Event]) -> None:
    sent = golden(event)
    del sent["cache"]["invalid_keys"], sent["bus_refusal"], sent["bus_problem"]
    message = event.model_validate(sent).model_dump()
    assert (message["cache"]["invalid_keys"], message["bus_refusal"], message["bus_problem"]) == (
        (),
        None,
        None,
    )


def test_no_message_goes_elsewhere_than_it_did() -> None:
    sent = {event.__name__: event.model_validate(golden(event)) for event in EVENTS}
    assert {name: (sent[name].subject_name(), sent[name].stream) for name in PUBLISHED} == PUBLISHED


@each_event
def test_a_message_that_is_kept_has_an_id(event: type[Event]) -> None:
    assert bool(event.model_validate(golden(event)).message_id()) == bool(event.stream)


@each_event
def test_a_field_that_a_newer_sender_adds_is_ignored(event: type[Event]) -> None:
    message = event.model_validate(golden(event))
    assert event.model_validate(golden(event) | {"added_later": {"a": 1}}) == message


@each_event
def test_no_time_in_a_message_may_be_naive(event: type[Event]) -> None:
    times = [field for field, value in golden(event).items() if _is_time(value)]
    for field in times:
        with pytest.raises(ValueError, match=field):
            event.model_validate(golden(event) | {field: golden(event)[field].removesuffix("Z")})
    assert bool(times) == (event is not ConfigChanged)


@each_event
def test_a_message_cannot_be_changed(event: type[Event]) -> None:
    message: BaseModel = event.model_validate(golden(event))
    field = next(iter(golden(event)))
    with pytest.raises(ValueError, match="frozen"):
        setattr(message, field, golden(event)[field])


def _is_time(value: object) -> bool:
    return isinstance(value, str) and value.endswith("Z") and value[:4] == "2026"
