"""Which answers of Gemini are decisions, and which are refused."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaler.domain.answer import Answer, apply_minimum, validate_answer
from signaler.domain.gemini.errors import AnswerRefusedError
from signaler.domain.gemini.response import partial_text, read_answer_text, read_usage
from unit.signaler.market import snapshot_of, wavy_closes

EXAMPLES = Path(__file__).parents[1] / "gemini_examples"
SNAPSHOT = snapshot_of(wavy_closes(1500))
GOOD = {"action": "BUY", "confidence": 0.7, "reasoning": "EMA 9 is above EMA 21."}


def response(text: str, *, finish_reason: str = "STOP") -> str:
    """A generateContent body with one text part."""
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": finish_reason}
    return json.dumps({"candidates": [candidate]})


def refusal(text: str) -> str:
    with pytest.raises(AnswerRefusedError) as refused:
        validate_answer(text, SNAPSHOT)
    return refused.value.reason


def test_a_complete_answer_is_taken_as_it_is() -> None:
    answer = validate_answer(json.dumps(GOOD), SNAPSHOT)
    assert (answer.action, answer.confidence, answer.reasoning) == ("BUY", 0.7, "EMA 9 is above EMA 21.")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("gemini_*.json")), ids=lambda path: path.stem)
def test_no_recorded_body_becomes_a_decision_by_accident(path: Path) -> None:
    # The recorded answers have the key `reasons`, which our schema does not: each is refused somewhere.
    with pytest.raises(AnswerRefusedError):
        validate_answer(read_answer_text(path.read_text()), SNAPSHOT)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gemini_blocked", "block reason PROHIBITED_CONTENT"),
        ("gemini_generate_safety", "ended with SAFETY"),
        ("gemini_generate_max_tokens_empty", "ended with MAX_TOKENS"),
        ("gemini_generate_max_tokens_truncated_json", "ended with MAX_TOKENS"),
        ("gemini_generate_no_finish_reason", "no finish reason"),
        ("gemini_generate_stop_empty", "has no text"),
        ("gemini_generate_malformed_function_call", "ended with MALFORMED_FUNCTION_CALL"),
        ("gemini_generate_malformed_json", "not one JSON object"),
        ("gemini_generate", "a key that was not asked for"),
    ],
)
def test_the_refusal_says_what_is_wrong(name: str, reason: str) -> None:
    with pytest.raises(AnswerRefusedError) as refused:
        validate_answer(read_answer_text((EXAMPLES / f"{name}.json").read_text()), SNAPSHOT)
    assert reason in refused.value.reason


def test_thoughts_are_no_part_of_the_answer() -> None:
    body = (EXAMPLES / "gemini_generate_thoughts.json").read_text()
    assert json.loads(read_answer_text(body))["action"] == "HOLD"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"confidence": 1.01}, "confidence"),
        ({"confidence": -0.1}, "confidence"),
        ({"confidence": "0.7"}, "confidence"),
        ({"confidence": True}, "confidence"),
        ({"confidence": None}, "confidence"),
        ({"action": "buy"}, "action"),
        ({"action": "STRONG_BUY"}, "action"),
        ({"action": None}, "action"),
        ({"reasoning": ""}, "reasoning"),
        ({"reasoning": ["up"]}, "reasoning"),
        ({"reasoning": "x" * 2001}, "reasoning"),
        ({"reasoning": "a\0b"}, "reasoning"),
        ({"amount": 5}, "a key that was not asked for"),
    ],
)
def test_a_wrong_value_is_refused_and_named(change: dict[str, Any], reason: str) -> None:
    assert reason in refusal(json.dumps(GOOD | change))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "BUY",
        json.dumps([GOOD]),
        f"```json\n{json.dumps(GOOD)}\n```",
        f"Here you go: {json.dumps(GOOD)}",
        f"{json.dumps(GOOD)} {json.dumps(GOOD)}",
        '{"action": "BUY", "confidence": NaN, "reasoning": "up"}',
        '{"action": "BUY", "confidence": 1e999, "reasoning": "up"}',
        '{"action": "BUY", "action": "SELL", "confidence": 0.9, "reasoning": "up"}',
        '{"action": "BUY", "confidence": 0.9, "reasoning": "up",}',
        '{"action": "BUY", "confidence": 0.9, "reasoning": "\\ud800"}',
        '{"action": "BUY", "confidence": ' + "9" * 5000 + ', "reasoning": "up"}',
        "[" * 100_000,
    ],
)
def test_text_that_is_not_one_strict_object_is_refused(text: str) -> None:
    assert refusal(text)


@given(st.text(max_size=300))
def test_any_text_is_an_answer_or_refused(text: str) -> None:
    with contextlib.suppress(AnswerRefusedError):
        validate_answer(text, SNAPSHOT)


@given(st.text(max_size=300) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_any_body_has_a_text_or_is_refused_and_its_usage_is_read(body: str) -> None:
    read_usage(body)
    partial_text(body)
    with contextlib.suppress(AnswerRefusedError):
        assert read_answer_text(body)


@given(
    st.sampled_from(["BUY", "SELL", "HOLD"]),
    st.floats(0, 1),
    st.text("abc äöü원", min_size=1).filter(str.strip),
)
def test_every_valid_answer_comes_through_its_own_json(action: str, confidence: float, words: str) -> None:
    text = json.dumps({"action": action, "confidence": confidence, "reasoning": words})
    answer = validate_answer(read_answer_text(response(text)), SNAPSHOT)
    assert (answer.action, answer.confidence) == (action, confidence)


def test_usage_counts_thoughts_as_output() -> None:
    usage = read_usage((EXAMPLES / "gemini_generate.json").read_text())
    assert (usage.model_served, usage.input_tokens, usage.output_tokens) == ("gemini-3.8-flash", 412, 217)


@pytest.mark.parametrize(
    "body",
    ["{}", '{"usageMetadata": null}', '{"usageMetadata": {"promptTokenCount": "412"}}', "[]", "<html>"],
)
def test_missing_usage_is_unknown_and_not_an_error(body: str) -> None:
    usage = read_usage(body)
    assert (usage.input_tokens, usage.output_tokens) == (None, None)


def test_a_buy_below_the_minimum_is_kept_as_hold_with_the_action_in_words() -> None:
    answer = Answer(action="BUY", confidence=0.41, reasoning="Momentum turns.")
    kept = apply_minimum(answer, 0.6)
    assert (kept.action, kept.confidence) == ("HOLD", 0.41)
    assert kept.reasoning == "BUY at 0.41 is below the minimum 0.6, kept as HOLD: Momentum turns."


def test_an_answer_at_the_minimum_and_every_hold_stay() -> None:
    sell = Answer(action="SELL", confidence=0.6, reasoning="Down.")
    hold = Answer(action="HOLD", confidence=0.1, reasoning="Unclear.")
    assert apply_minimum(sell, 0.6) is sell
    assert apply_minimum(hold, 0.6) is hold
