from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.masking import is_secret_name, mask
from unit.common.masking_corpus import ACCESS, SECRET

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


def test_an_exception_becomes_its_masked_text() -> None:
    assert mask(ValueError("api_key=abc")) == "ValueError: api_key=***"


def test_an_object_of_any_other_type_becomes_its_masked_text() -> None:
    class Request:
        def __str__(self) -> str:
            return f"<Request(secret_key='{SECRET}')>"

    assert mask([Request()]) == ["<Request(secret_key='***')>"]


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
