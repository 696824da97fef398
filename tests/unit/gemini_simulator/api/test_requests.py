import json
from typing import Any

import pytest

from gemini_simulator.api.errors import ApiError
from gemini_simulator.api.requests import parse_count, parse_generate

CONTENTS = [{"role": "user", "parts": [{"text": "one"}, {"text": "two"}]}]


def generate(config: dict[str, Any] | None = None, *, model: str = "gemini-3.8-flash", **fields: Any) -> Any:
    body = {"contents": CONTENTS, "generationConfig": config or {}} | fields
    return parse_generate(json.dumps(body).encode(), model=model)


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
        ({"maxOutputTokens": "0"}, "generation_config.max_output_tokens", "range [1, "),
        ({"maxOutputTokens": "many"}, "generation_config.max_output_tokens", "TYPE_INT32"),
        ({"maxOutputTokens": "1_000"}, "generation_config.max_output_tokens", "TYPE_INT32"),
        ({"candidateCount": True}, "generation_config.candidate_count", "TYPE_INT32"),
        ({"wish": 1}, "generation_config", 'Unknown name "wish" at'),
        (
            {"thinkingConfig": {"thinkingLevel": "max"}},
            "generation_config.thinking_config.thinking_level",
            "max",
        ),
        (
            {"thinkingConfig": {"thinkingBudget": "1.5"}},
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
        b'{"contents": [{"parts": []}]}', b'{"contents": [{"role": "user"}]}',
        b'{"contents": [{"parts": {"text": "hi"}}, {}]}',
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


def test_a_content_without_parts_is_named_by_its_place() -> None:
    with pytest.raises(ApiError, match=r"contents\[1\]\.parts: contents\.parts must not be empty") as refused:
        generate(contents=[*CONTENTS, {"role": "user", "parts": []}])
    assert (refused.value.details or [])[0]["fieldViolations"][0]["field"] == "contents[1].parts"


@pytest.mark.parametrize("spelled", ["100", 100, 100.0, "1e2"])
def test_a_whole_number_may_be_spelled_as_proto_json_allows(spelled: object) -> None:
    asked = generate({"maxOutputTokens": spelled, "thinkingConfig": {"thinkingBudget": spelled}})
    assert (asked.max_output_tokens, type(asked.max_output_tokens)) == (100, int)
    assert asked.thought_tokens == 100


def test_a_fraction_may_be_text_too() -> None:
    assert generate({"temperature": "0.5", "topP": 1}) == generate({"temperature": 0.5, "topP": "1"})


@pytest.mark.parametrize(
    ("model", "level"),
    [("gemini-3.8-flash", "XHIGH"), ("gemini-3.8-flash", "minimal"), ("gemini-4-hydrogen", "minimal")],
)
def test_a_level_the_model_does_not_have_is_refused(model: str, level: str) -> None:
    with pytest.raises(ApiError, match=f"{level.upper()} is not supported for {model}"):
        generate({"thinkingConfig": {"thinkingLevel": level}}, model=model)


def test_the_levels_of_each_model_are_taken() -> None:
    for model, levels in {
        "gemini-3.8-flash": ("low", "MEDIUM", "high"),
        "gemini-4-hydrogen": ("low", "medium", "high", "XHIGH"),
        "gemini-3.6-flash": ("minimal", "xhigh"),
    }.items():
        for level in levels:
            assert generate({"thinkingConfig": {"thinkingLevel": level}}, model=model).text == "one\ntwo"


def test_only_what_the_user_said_is_the_question() -> None:
    said = [*CONTENTS, {"role": "model", "parts": [{"text": "rsi: 5"}]}, {"parts": {"text": "again"}}]
    asked = generate(contents=said)
    assert asked.user_turns == ("one\ntwo", "again")
    assert asked.text == "one\ntwo\nrsi: 5\nagain"
