from __future__ import annotations

import json
from typing import Any

import pytest

from gemini_simulator.errors import ApiError
from gemini_simulator.requests import parse_count, parse_generate

CONTENTS = [{"role": "user", "parts": [{"text": "one"}, {"text": "two"}]}]


def generate(config: dict[str, Any] | None = None, **fields: Any) -> Any:
    body = {"contents": CONTENTS, "generationConfig": config or {}} | fields
    return parse_generate(json.dumps(body).encode(), model="gemini-3.8-flash")


def test_both_spellings_of_a_field_are_taken() -> None:
    snake = {"thinking_config": {"thinking_level": "LOW", "include_thoughts": True}, "max_output_tokens": 9}
    camel = {"thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": True}, "maxOutputTokens": 9}
    assert generate(snake, system_instruction={"parts": {"text": "be terse"}}) == generate(
        camel, systemInstruction={"parts": [{"text": "be terse"}]}
    )


def test_a_budget_limits_the_thoughts() -> None:
    assert generate({"thinkingConfig": {"thinkingBudget": 0}}).thought_tokens == 0
    assert generate({"thinkingConfig": {"thinkingBudget": -1}}).thought_tokens > 0
    low, high = ({"thinkingConfig": {"thinkingLevel": level}} for level in ("low", "high"))
    assert generate(low).thought_tokens < generate().thought_tokens < generate(high).thought_tokens


def test_a_field_that_is_null_is_no_field() -> None:
    nulls = {"thinkingConfig": {"thinkingLevel": None, "thinkingBudget": None}, "temperature": None}
    assert generate(nulls, systemInstruction=None) == generate()


def test_a_field_may_be_called_like_a_keyword() -> None:
    schema = {"type": "OBJECT", "properties": {"additionalProperties": {"type": "STRING"}}}
    assert generate({"responseMimeType": "application/json", "responseSchema": schema}).schema == schema


@pytest.mark.parametrize(
    ("config", "field", "words"),
    [
        ({"temperature": "hot"}, "generation_config.temperature", "TYPE_FLOAT"),
        ({"temperature": 3}, "generation_config.temperature", "must be in the range [0, 2]"),
        ({"maxOutputTokens": 0.5}, "generation_config.max_output_tokens", "TYPE_INT32"),
        ({"maxOutputTokens": 0}, "generation_config.max_output_tokens", "range [1, "),
        ({"wish": 1}, "generation_config", 'Unknown name "wish" at'),
        (
            {"thinkingConfig": {"thinkingLevel": "max"}},
            "generation_config.thinking_config.thinking_level",
            "max",
        ),
        (
            {"thinkingConfig": {"thinkingBudget": "1"}},
            "generation_config.thinking_config.thinking_budget",
            "INT32",
        ),
        ({"thinkingConfig": [1]}, "generation_config.thinking_config", "expected an object"),
        (
            {"responseMimeType": "application/json", "responseSchema": {}, "responseJsonSchema": {}},
            "generation_config",
            "only one of",
        ),
        (
            {
                "responseMimeType": "application/json",
                "responseSchema": {"properties": {"a": {}, "b": {"items": {"additional_properties": True}}}},
            },
            "generation_config.response_schema.properties[1].value.items",
            'Unknown name "additional_properties"',
        ),
    ],
)
def test_a_wrong_setting_is_refused_with_its_field(config: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(ApiError) as refused:
        generate(config)
    assert refused.value.code == 400
    assert words in str(refused.value)
    assert (refused.value.details or [])[0]["fieldViolations"][0]["field"] == field


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{", b"\xff", b"[" * 100_000, b"{}", b'{"contents": []}', b'{"contents": "hi"}',
        b'{"contents": [1]}', b'{"contents": [{"parts": [1]}]}', b'{"contents": [{"role": "boss"}]}',
        b'{"contents": [{"parts": [{"txt": "hi"}]}]}', b'{"contents": [{"parts": []}], "wish": 1}',
    ],
)  # fmt: skip
def test_a_wrong_body_is_refused_by_every_method(body: bytes) -> None:
    for parse in (lambda: parse_generate(body, model="gemini-3.8-flash"), lambda: parse_count(body)):
        with pytest.raises(ApiError) as refused:
            parse()
        assert refused.value.code == 400


def test_the_text_that_is_counted_may_stand_in_a_whole_request() -> None:
    inner = {"contents": CONTENTS, "systemInstruction": {"parts": [{"text": "!"}]}}
    assert parse_count(json.dumps({"generateContentRequest": inner}).encode()) == "one\ntwo!"
