"""Streams and consumers are declared for the events that there are."""

from __future__ import annotations

from common.events import EVENTS
from common.streams import CLAIMS, CONSUMERS, DEAD, STREAMS


def test_every_stream_of_an_event_is_declared_and_every_other_one_is_of_claims_or_dead_letters() -> None:
    declared = {str(stream.name) for stream in STREAMS}
    assert declared - {CLAIMS, DEAD} == {event.stream for event in EVENTS if event.stream}


def test_a_durable_consumer_belongs_to_a_reader_of_an_event_that_is_kept() -> None:
    for consumer in CONSUMERS:
        assert consumer.service in consumer.event.readers
        assert consumer.event.stream


def test_a_durable_consumer_is_named_after_its_service_and_its_event() -> None:
    assert [(consumer.name, consumer.subject) for consumer in CONSUMERS][:2] == [
        ("collector-candles-closed", "market.candle.closed.*"),
        ("signaler-candles-closed", "market.candle.closed.*"),
    ]


def test_what_a_stream_has_kept_is_read_only_of_an_event_that_is_kept() -> None:
    assert all(event.stream for event in EVENTS if event.stream_readers)
