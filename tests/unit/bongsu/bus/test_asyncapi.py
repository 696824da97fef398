"""The AsyncAPI document has every message, stream and reader that common declares, and only those."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest

from bongsu.bus.asyncapi import message_contract
from bongsu.invocation import run
from common.events import EVENTS
from common.streams import CONSUMERS, STREAMS


@cache
def document() -> dict[str, Any]:
    return dict(json.loads(message_contract().to_json()))


def addresses() -> set[str]:
    return {channel["address"] for channel in document()["channels"].values()}


def test_every_event_has_its_subject_and_its_fields() -> None:
    assert len(EVENTS) >= 7
    for event in EVENTS:
        assert event.subject in addresses()
        schema = document()["components"]["schemas"][event.__name__]
        assert set(schema["properties"]) == set(event.model_fields)


def test_every_stream_is_said_to_keep_a_message_of_the_document() -> None:
    texts = " ".join(channel["description"] for channel in document()["channels"].values())
    for stream in STREAMS:
        assert f"in the stream {stream.name}" in texts
        for subject in stream.subjects or []:
            template = re.compile(re.escape(subject).replace(r"\*", r"\{\w+\}").replace(">", r"\{\w+\}"))
            assert any(map(template.fullmatch, addresses())), subject


def test_a_day_is_no_days() -> None:
    assert "Kept 1 day in the stream CLAIMS" in document()["channels"]["JobClaimed"]["description"]


def test_every_reader_of_an_event_receives_it_through_its_durable_consumer_or_directly() -> None:
    operations = document()["operations"]
    durable = {(consumer.service, consumer.event): consumer.name for consumer in CONSUMERS}
    readers = {
        durable.get((reader, event), f"{reader}-{event.__name__}")
        for event in EVENTS
        if not event.is_reply
        for reader in event.readers
    }
    histories = {f"{reader}-{event.__name__}-history" for event in EVENTS for reader in event.stream_readers}
    assert readers | histories == {
        name for name, operation in operations.items() if operation["action"] == "receive"
    }


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
