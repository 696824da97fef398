"""A stream keeps messages for days, and two versions run side by side: what was written stays readable."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from common import events
from common.events import Event

FOLDER = Path(__file__).with_name("golden")
SUBJECTS = {
    "CandlesClosed": "market.candle.closed.KRW-BTC",
    "TickerUpdated": "market.ticker.KRW-BTC",
    "SignalGenerated": "signal.generated.KRW-BTC",
    "ConfigChanged": "config.changed",
    "JobFinished": "job.finished.collector.data_collection",
    "ServiceHeartbeat": "service.heartbeat.collector",
    "ComponentReport": "health.check",
}
STREAMS = {
    "CandlesClosed": "MARKET",
    "SignalGenerated": "SIGNALS",
    "ConfigChanged": "CONFIG",
    "JobFinished": "JOBS",
}
EVENTS: dict[str, type[Event]] = {
    name: kind
    for name, kind in inspect.getmembers(events, inspect.isclass)
    if issubclass(kind, Event) and hasattr(kind, "subject")
}


def golden(name: str) -> dict[str, Any]:
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
    document: dict[str, Any] = json.loads((FOLDER / f"{snake}.json").read_text(encoding="utf-8"))
    return document


def test_every_message_has_a_golden_one() -> None:
    assert set(EVENTS) == set(SUBJECTS)
    assert len(list(FOLDER.glob("*.json"))) == len(SUBJECTS)


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_golden_message_is_readable_and_written_the_same_again(name: str) -> None:
    message = EVENTS[name].model_validate_json(json.dumps(golden(name)))
    assert json.loads(message.model_dump_json()) == golden(name)


@pytest.mark.parametrize("name", ["ServiceHeartbeat", "ComponentReport"])
def test_an_instance_too_old_to_know_of_invalid_settings_is_understood(name: str) -> None:
    told = golden(name)
    del told["cache"]["invalid_keys"]
    message = EVENTS[name].model_validate(told)
    assert message.model_dump()["cache"]["invalid_keys"] == ()


@pytest.mark.parametrize("name", ["ServiceHeartbeat", "ComponentReport"])
def test_an_instance_too_old_to_tell_what_nats_refuses_is_understood(name: str) -> None:
    told = golden(name)
    del told["bus_refusal"]
    assert EVENTS[name].model_validate(told).model_dump()["bus_refusal"] is None


@pytest.mark.parametrize("name", ["ServiceHeartbeat", "ComponentReport"])
def test_an_instance_too_old_to_tell_what_no_stream_takes_is_understood(name: str) -> None:
    told = golden(name)
    del told["bus_problem"]
    assert EVENTS[name].model_validate(told).model_dump()["bus_problem"] is None


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_golden_message_goes_where_readers_listen(name: str) -> None:
    message = EVENTS[name].model_validate(golden(name))
    assert message.subject_name() == SUBJECTS[name]
    assert message.stream == STREAMS.get(name)
    assert bool(message.message_id()) == (name in STREAMS)


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_field_that_a_newer_sender_adds_is_ignored(name: str) -> None:
    message = EVENTS[name].model_validate(golden(name))
    assert EVENTS[name].model_validate(golden(name) | {"added_later": {"a": 1}}) == message


@pytest.mark.parametrize("name", SUBJECTS)
def test_no_time_in_a_message_may_be_naive(name: str) -> None:
    times = [field for field, value in golden(name).items() if _is_time(value)]
    for field in times:
        with pytest.raises(ValueError, match=field):
            EVENTS[name].model_validate(golden(name) | {field: golden(name)[field].removesuffix("Z")})
    assert bool(times) == (name != "ConfigChanged")


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_message_cannot_be_changed(name: str) -> None:
    message: BaseModel = EVENTS[name].model_validate(golden(name))
    field = next(iter(golden(name)))
    with pytest.raises(ValueError, match="frozen"):
        setattr(message, field, golden(name)[field])


def _is_time(value: object) -> bool:
    return isinstance(value, str) and value.endswith("Z") and value[:4] == "2026"
