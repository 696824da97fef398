"""Is every message there is in the AsyncAPI document, and only those?"""

from __future__ import annotations

import inspect
import json
import re
from functools import cache
from typing import Any

import pytest

from bongsu.bus.asyncapi import message_contract
from bongsu.invocation import run
from common import events
from common.events import Event, InstanceState
from common.streams import CONSUMERS, STREAMS


@cache
def document() -> dict[str, Any]:
    return dict(json.loads(message_contract().to_json()))


def addresses() -> set[str]:
    return {channel["address"] for channel in document()["channels"].values()}


def test_every_event_has_its_subject_and_its_fields() -> None:
    known = [
        each
        for _, each in inspect.getmembers(events, inspect.isclass)
        if issubclass(each, Event) and each not in (Event, InstanceState)
    ]
    assert len(known) >= 7
    for event in known:
        assert event.subject in addresses()
        schema = document()["components"]["schemas"][event.__name__]
        assert set(schema["properties"]) == set(event.model_fields)


def test_every_stream_is_said_to_keep_a_message_of_the_document() -> None:
    texts = " ".join(channel["description"] for channel in document()["channels"].values())
    for stream in STREAMS:
        [subject] = list(stream.subjects or [])
        template = re.compile(re.escape(subject).replace(r"\*", r"\{\w+\}").replace(">", r"\{\w+\}"))
        assert any(map(template.fullmatch, addresses())), subject
        assert f"in the stream {stream.name}" in texts


def test_every_durable_consumer_is_a_reader() -> None:
    operations = document()["operations"]
    for consumer in CONSUMERS:
        assert operations[consumer.name]["action"] == "receive"


def test_a_price_is_text() -> None:
    assert document()["components"]["schemas"]["TickerUpdated"]["properties"]["price"]["type"] == "string"


def test_one_build_always_prints_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    printed = []
    for _ in range(2):
        assert run(["asyncapi"]) == (0, "")
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert printed[0].startswith("info:\n  title: Bongsu\n")
    assert run(["asyncapi", "--json"]) == (0, "")
    assert json.loads(capsys.readouterr().out)["asyncapi"] == "3.0.0"
