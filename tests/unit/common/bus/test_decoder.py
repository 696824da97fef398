"""The decoder: what of all that can come over the bus is read, and the reason for the rest."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.bus.decoder import MAX_DEPTH, MAX_INTEGER, read_event
from common.errors import PermanentError
from common.events import MAX_MESSAGE_BYTES, MAX_TEXT_CHARACTERS, CandlesClosed, Event
from unit.common.jobs.records import finished
from unit.common.pages import candle, page

GOOD = page(candle(0), candle(1)).model_dump(mode="json")
QUOTES = 'he said "[{[{" and \\ "no" \\\\" end'


def nested(depth: int) -> Any:
    value: Any = 0
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


def read(**more: object) -> CandlesClosed:
    return read_event(json.dumps(GOOD | more, ensure_ascii=False).encode(), CandlesClosed)


@pytest.mark.parametrize(
    "value",
    [
        nested(MAX_DEPTH - 1),
        "ㅂ" * MAX_TEXT_CHARACTERS,
        MAX_INTEGER,
        -MAX_INTEGER,
        "9" * 100,
        0.00012345678901234567,
        1e-300,
        [[], [], {}] * 100,
        "[" * 100,
        QUOTES,
        {QUOTES: QUOTES},
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_a_newer_sender_adds_within_the_limits_is_no_trouble(value: object) -> None:
    assert read(added_later=value) == read()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (nested(MAX_DEPTH), "nested 17 deep, at most 16 are read"),
        ([[], nested(MAX_DEPTH)], "nested 18 deep"),
        ([QUOTES, nested(MAX_DEPTH - 1)], "nested 17 deep"),
        ("ㅂ" * (MAX_TEXT_CHARACTERS + 1), "a string of more than 4096 characters"),
        ('"' * (MAX_TEXT_CHARACTERS + 1), "a string of more than 4096 characters"),
        (MAX_INTEGER + 1, "an integer of more than 64 bits"),
        (-MAX_INTEGER - 1, "an integer of more than 64 bits"),
        (["x" * 4000] * 70, "bytes, at most 262144 are read"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_over_a_limit_is_named(value: object, reason: str) -> None:
    with pytest.raises(PermanentError, match=f"^not a CandlesClosed: .*{reason}"):
        read(added_later=value)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "message: Invalid JSON"),
        (b"\x00", "message: Invalid JSON"),
        (b"\xff", "message: Invalid JSON"),
        (b'{"a": "\\', "message: Invalid JSON"),
        (b"[" * 100_000, "nested 100000 deep"),
        (b"[" * 3, "message: Invalid JSON"),
        (b"9" * 5000, "an integer of more than 64 bits"),
        (b'"' * MAX_MESSAGE_BYTES, "message: Invalid JSON"),
        (b'\\"' * (MAX_MESSAGE_BYTES // 2), "message: Invalid JSON"),
        (b"x" * (MAX_MESSAGE_BYTES + 1), "262145 bytes, at most 262144 are read"),
        (json.dumps(GOOD | {"market": 7}).encode(), "market: Input should be a valid string"),
        (json.dumps(GOOD).replace('"95123000"', "1e400", 1).encode(), "candles.0.open"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_event_is_refused_with_its_reason(body: bytes, reason: str) -> None:
    with pytest.raises(PermanentError) as refused:
        read_event(body, CandlesClosed)
    assert str(refused.value).startswith(f"not a CandlesClosed: {reason}")


@given(st.binary(max_size=2000) | st.text(alphabet='[]{}":,\\19x', max_size=200).map(str.encode))
def test_any_bytes_are_refused_and_nothing_else(body: bytes) -> None:
    with pytest.raises(PermanentError):
        read_event(body, CandlesClosed)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=20,
)


def depth_of(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth_of, inner), default=0)


def largest(value: Any) -> int:
    if isinstance(value, dict | list):
        return max(map(largest, value.values() if isinstance(value, dict) else value), default=0)
    return abs(value) if isinstance(value, int) else 0


@given(value=json_values, wrappings=st.integers(0, 20))
def test_exactly_what_is_too_deep_or_too_big_is_refused(value: Any, wrappings: int) -> None:
    for _ in range(wrappings):
        value = [value]
    over = 1 + depth_of(value) > MAX_DEPTH or largest(value) > MAX_INTEGER
    if over:
        with pytest.raises(PermanentError):
            read(added_later=value)
    else:
        assert read(added_later=value) == read()


def test_a_text_that_is_too_long_is_cut_to_what_is_read() -> None:
    assert len(finished(error="x" * 100_000).error or "") == MAX_TEXT_CHARACTERS


@pytest.mark.parametrize(
    "event",
    [
        page(*(candle(minute) for minute in range(200)), minutes=200),
        page(candle(volume=Decimal("123456789012345678.123456789"))),
        finished(error="x" * MAX_TEXT_CHARACTERS),
    ],
    ids=["a whole page", "every digit", "the longest text"],
)
def test_what_was_written_is_read_as_it_was(event: Event) -> None:
    assert read_event(event.model_dump_json().encode(), type(event)) == event
