from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretBytes, SecretStr

from common.masking import is_secret_name, mask
from unit.common.masking.corpus import ACCESS, SECRET

SECRET_NAMES = [
    "access_key",
    "secretKey",
    "X-Goog-Api-Key",
    "GEMINI_API_KEY",
    "Cookie",
    "APIKey",
    "krw",
    "BTC",
    "total_krw",
    "locked",
    "password_hash",
    "avgBuyPrice",
    "잔고",
    "총잔고",
    "보유_수량",
    "\\uc794\\uace0",
]
PLAIN_NAMES = [
    "monkey",
    "tokenizer",
    "rebalance",
    "KRW-BTC",
    "krw_price",
    "prompt_token_count",
    "tokens",
    "locked_at",
    "key",
    "market",
    "idempotency_key",
    "잔고조회",
]


def test_fields_are_masked_by_name_at_any_depth() -> None:
    document = {
        "accounts": ({"currency": "KRW", "balance": Decimal(48735012)}, {"avg_buy_price": "95123000"}),
        "headers": [("Authorization", "abc"), ("Host", "api.upbit.com")],
        "Access Key": {"value": "abc", "since": 2020},
        "token": None,
        "note": b"password=abc",
        ACCESS: 1,
    }
    assert mask(document) == {
        "accounts": [{"currency": "KRW", "balance": "***"}, {"avg_buy_price": "***"}],
        "headers": [["Authorization", "***"], ["Host", "api.upbit.com"]],
        "Access Key": "***",
        "token": None,
        "note": "password=***",
        ACCESS: 1,
    }


def test_what_cannot_hold_a_secret_comes_back_as_it_was() -> None:
    values = [1, 1.5, True, None, Decimal("95123000.10"), datetime(2026, 1, 13, tzinfo=UTC), UUID(int=1)]
    assert repr(mask(values)) == repr(values)


class Request:
    """An object of a type that is not known."""

    def __str__(self) -> str:
        return f"<Request(secret_key='{SECRET}')>"


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        (ValueError("api_key=abc"), "ValueError: api_key=***"),
        ({"errors": [KeyError("password=abc")]}, {"errors": ["KeyError: 'password=***'"]}),
        (
            ExceptionGroup("two for token=abc", [ValueError("api_key=abc")]),
            "ExceptionGroup: two for token=*** (1 sub-exception)",
        ),
        ([b"krw=48735012", bytearray(b"krw=48735012"), memoryview(b"krw=48735012")], ["krw=***"] * 3),
        (b"\xff\xfe api_key=abc", "\ufffd\ufffd api_key=***"),
        ({"api_key=abc"}, ["api_key=***"]),
        (frozenset({1}), [1]),
        ([SecretStr("abc"), SecretBytes(b"abc")], ["***", "***"]),
        ([Request()], ["<Request(secret_key='***')>"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_json_becomes_its_masked_text_wherever_it_stands(value: object, masked: object) -> None:
    assert mask(value) == masked


@dataclass
class Account:
    """What a library may hand over: names on the outside, values inside."""

    currency: str
    balance: Decimal
    note: str = "access_key=abc"


class Credentials(BaseModel):
    """The same, validated."""

    access_key: str
    market: str
    account: Account


def test_dataclasses_and_models_are_walked_through_by_their_fields() -> None:
    account = Account("KRW", Decimal(48735012))
    masked = {"currency": "KRW", "balance": "***", "note": "access_key=***"}
    assert mask([account]) == [masked]
    credentials = Credentials(access_key=ACCESS, market="KRW-BTC", account=account)
    assert mask(credentials) == {"access_key": "***", "market": "KRW-BTC", "account": masked}
    pair = namedtuple("pair", "token market")
    assert mask(pair("abc", "KRW-BTC")) == {"token": "***", "market": "KRW-BTC"}


def test_what_holds_itself_comes_back() -> None:
    ring: list[object] = ["api_key=abc"]
    ring.append(ring)
    loop: dict[str, object] = {"password": "abc"}
    loop["again"] = {"loop": loop}
    assert mask(ring) == ["api_key=***", "***"]
    assert mask(loop) == {"password": "***", "again": {"loop": "***"}}


def test_what_stands_in_two_places_is_shown_in_both() -> None:
    shared = {"market": "KRW-BTC"}
    assert mask([shared, shared]) == [shared, shared]


def test_ten_lists_of_ten_lists_of_ten_lists_come_back() -> None:
    bomb: object = "x"
    for _ in range(12):
        bomb = [bomb] * 10
    assert len(str(mask(bomb))) < 10_000_000


def test_a_megabyte_comes_back_whole_without_its_secrets() -> None:
    rows = [{"market": "KRW-BTC", "price": 95123000, "access_key": ACCESS} for _ in range(12_000)]
    masked = mask(rows)
    assert masked == [{"market": "KRW-BTC", "price": 95123000, "access_key": "***"}] * 12_000


def test_a_value_is_hidden_by_the_name_beside_it_and_a_list_of_names_is_no_pair() -> None:
    assert mask([{"name": "UPBIT_ACCESS_KEY", "value": "abc"}, {"key": "markets", "value": "abc"}]) == [
        {"name": "UPBIT_ACCESS_KEY", "value": "***"},
        {"key": "markets", "value": "abc"},
    ]
    assert mask([["krw", "48735012"], ["token", "x1"]]) == [["krw", "***"], ["token", "***"]]
    names = [["access_key", "secret_key"], ["KRW", "BTC"], ["krw", "market"]]
    assert mask(names) == names


def test_a_short_name_hides_text_only() -> None:
    assert mask({"pass": "abc", "sig": "abc"}) == {"pass": "***", "sig": "***"}
    assert mask({"pass": 12, "tests": "ok"}) == {"pass": 12, "tests": "ok"}


@pytest.mark.parametrize("depth", [13, 100, 3000])
def test_what_is_nested_too_deep_to_be_looked_at_is_not_shown(depth: int) -> None:
    nested: object = "deep down"
    for _ in range(depth):
        nested = [nested]
    assert "***" in str(mask(nested))
    assert "deep down" not in str(mask(nested))


def test_a_name_is_known_by_its_words() -> None:
    assert [name for name in [*SECRET_NAMES, *PLAIN_NAMES] if is_secret_name(name)] == SECRET_NAMES


scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
names = st.sampled_from(["balance", "access_key", "market", "price", "KRW-BTC", "accounts"])


@given(
    document=st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
        max_leaves=8,
    )
)
def test_a_document_keeps_its_shape_and_only_secrets_change(document: Any) -> None:
    def expected(value: Any) -> Any:
        if isinstance(value, Mapping):
            hidden = {"balance", "access_key"}
            return {k: "***" if k in hidden and v is not None else expected(v) for k, v in value.items()}
        return [expected(item) for item in value] if isinstance(value, list) else mask(value)

    assert mask(document) == expected(document)
