"""Payloads as text, without secrets and without what a terminal obeys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.payload import payload_text


def test_json_is_shown_with_indents_and_without_secrets() -> None:
    shown = payload_text('{"market":"KRW-BTC","api_key":"hunter2secret","why":"봉수"}'.encode())
    assert shown.is_json
    assert shown.document == {"market": "KRW-BTC", "api_key": "***", "why": "봉수"}
    assert shown.text.splitlines() == [
        "{",
        '  "market": "KRW-BTC",',
        '  "api_key": "***",',
        '  "why": "봉수"',
        "}",
    ]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", ""),
        (b"a\x00b\x1b[2Jc\r\n\td", "a\\x00b\\x1b[2Jc\\r\n\td"),
        (b"KRW-\xff\xfe", "KRW-\\xff\\xfe"),
        ("abc\u202edef".encode(), "abc\\u202edef"),
        (b'{"price": NaN}', '{"price": NaN}'),
        (b'{"price": 1e999}', '{"price": 1e999}'),
        (b'{"price": 1, "price": 2}', '{"price": 1, "price": 2}'),
        (b'{"market": "\\ud83d"}', '{"market": "\\ud83d"}'),
        (b"[" * 10_000, "[" * 10_000),
        (b"key api_key=hunter2secret", "key api_key=***"),
    ],
)
def test_what_would_change_as_json_is_shown_as_the_text_it_is(body: bytes, text: str) -> None:
    shown = payload_text(body)
    assert (shown.is_json, shown.document, shown.text, shown.cut) == (False, None, text, 0)


def test_what_does_not_fit_is_counted() -> None:
    assert payload_text(b"x" * 32_768).cut == 0
    shown = payload_text(b"x" * 40_000)
    assert (len(shown.text), shown.cut) == (32_768, 40_000 - 32_768)


@given(st.binary(max_size=200))
def test_nothing_that_is_shown_is_obeyed_by_a_terminal(body: bytes) -> None:
    text = payload_text(body).text
    assert all(letter.isprintable() or letter in "\n\t" or ord(letter) > 0x9F for letter in text)
    text.encode()
