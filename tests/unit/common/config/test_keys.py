from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from common.config.keys import REGISTRY, find_key, parse_value
from common.errors import PermanentError

# As the design names them; the two lists and the cost budget have no default there.
DESIGNED = {
    "markets": ["KRW-BTC"],
    "collect_interval_seconds": 10,
    "backfill_days": 3,
    "signal_interval_minutes": 60,
    "signal_min_confidence": 0.6,
    "gemini_daily_request_budget": 20,
    "gemini_timeout_seconds": 30,
    "trading_enabled": False,
    "retention_days": 400,
}
ALSO_DESIGNED = {"gemini_model", "gemini_fallback_models", "gemini_daily_cost_budget_usd"}


def test_the_registry_holds_the_designed_keys_and_defaults() -> None:
    assert set(REGISTRY) >= set(DESIGNED) | ALSO_DESIGNED
    assert {name: REGISTRY[name].default for name in DESIGNED} == DESIGNED


@pytest.mark.parametrize("name", REGISTRY)
def test_a_default_obeys_its_own_rule_and_survives_json(name: str) -> None:
    key = REGISTRY[name]
    document = str(key.default) if isinstance(key.default, Decimal) else key.default
    read = key.check(json.loads(json.dumps(document)))
    assert (read, type(read)) == (key.default, type(key.default))
    assert key.meaning.endswith(".")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("markets", '["KRW-BTC", "KRW-ETH"]', ["KRW-BTC", "KRW-ETH"]),
        ("collect_interval_seconds", "1", 1),
        ("collect_interval_seconds", "60", 60),
        ("backfill_days", "0", 0),
        ("signal_interval_minutes", "1", 1),
        ("signal_interval_minutes", "1440", 1440),
        ("signal_min_confidence", "0", 0.0),
        ("signal_min_confidence", "1", 1.0),
        ("signal_min_confidence", "0.75", 0.75),
        ("gemini_model", "gemini-3.8-flash", "gemini-3.8-flash"),
        ("gemini_model", '"gemini-3.8-flash"', "gemini-3.8-flash"),
        ("gemini_fallback_models", "[]", []),
        ("gemini_daily_cost_budget_usd", "0.1", Decimal("0.1")),
        ("gemini_daily_cost_budget_usd", "0.1000000000000000055", Decimal("0.1000000000000000055")),
        ("gemini_daily_cost_budget_usd", "10000", Decimal(10000)),
        ("gemini_daily_cost_budget_usd", '"1.50"', Decimal("1.50")),
        ("trading_enabled", "true", True),
    ],
)
def test_what_a_person_types_becomes_the_type_of_its_key(name: str, text: str, value: object) -> None:
    parsed = parse_value(name, text)
    assert (parsed, type(parsed)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("markets", []),
        ("markets", [f"KRW-M{number}" for number in range(251)]),
        ("markets", ["KRW-BTC", "KRW-BTC"]),
        ("markets", ["KRW BTC"]),
        ("markets", "KRW-BTC"),
        ("collect_interval_seconds", 0),
        ("collect_interval_seconds", 61),
        ("collect_interval_seconds", True),
        ("collect_interval_seconds", 10.0),
        ("collect_interval_seconds", "10"),
        ("collect_interval_seconds", None),
        ("signal_min_confidence", float("nan")),
        ("signal_min_confidence", -0.01),
        ("signal_min_confidence", 1.01),
        ("gemini_daily_cost_budget_usd", "NaN"),
        ("gemini_daily_cost_budget_usd", "-0.01"),
        ("gemini_fallback_models", ["gemini-3.6-flash"] * 11),
        ("trading_enabled", 1),
        ("retention_days", {"days": 400}),
        ("retention_days", object()),
    ],
)
def test_a_value_against_the_rule_is_refused_in_the_words_of_the_rule(name: str, value: Any) -> None:
    with pytest.raises(PermanentError) as caught:
        find_key(name).check(value)
    assert str(caught.value) == f"{name}: must be {REGISTRY[name].rule}"


@pytest.mark.parametrize("depth", [20, 950, 3000])
@pytest.mark.parametrize("bracket", ["[", '{"a":'])
def test_a_value_nested_without_end_is_refused_in_a_sentence(bracket: str, depth: int) -> None:
    text = bracket * depth + "0" + ("]" if bracket == "[" else "}") * depth
    with pytest.raises(PermanentError, match="markets: "):
        parse_value("markets", text)


def test_a_value_too_deep_for_json_is_refused_too() -> None:
    nested: list[object] = []
    for _ in range(3000):
        nested = [nested]
    with pytest.raises(PermanentError, match="markets: must be"):
        find_key("markets").check(nested)


@pytest.mark.parametrize(
    "text", ["xR7k-secret-key=4821ab", "AIzaSyD3m0nstr4t10nK3yF0rT3st1ngPurp0se", "password"]
)
def test_a_value_that_looks_like_a_secret_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(PermanentError, match="looks like a secret") as caught:
        parse_value("gemini_model", text)
    assert text not in str(caught.value)


def test_an_unknown_key_is_answered_with_the_nearest_one_or_all() -> None:
    with pytest.raises(PermanentError, match=r"unknown key 'market'; did you mean 'markets'\?"):
        find_key("market")
    with pytest.raises(
        PermanentError, match=r"unknown key 'zzz'; known are markets, collect_interval_seconds"
    ):
        parse_value("zzz", "1")
