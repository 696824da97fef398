"""Has every recorded answer its shape here: the same keys in the same order, values of the same kind?

The examples stand beside the project, in `shared/examples`; without them these tests are skipped.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from contract.gemini.conftest import KEY
from contract.gemini.test_google_genai import MODEL
from servers.simulators import Simulator

FOLDER = Path(__file__).parents[4] / "shared" / "examples"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no examples at {FOLDER}")

GENERATE: dict[str, str | None] = {
    "gemini_generate": None,
    "gemini_generate_max_tokens_empty": "max_tokens_empty",
    "gemini_generate_max_tokens_truncated_json": "truncated_json",
    "gemini_generate_stop_empty": "stop_empty",
    "gemini_generate_safety": "safety",
    "gemini_generate_no_finish_reason": "no_finish_reason",
    "gemini_generate_malformed_json": "trailing_comma",
    "gemini_generate_malformed_function_call": "malformed_function_call",
    "gemini_blocked": "prompt_blocked",
    "gemini_error_400_key": "key_invalid",
    "gemini_error_400_region": "region",
    "gemini_error_401_auth_key": "auth_key_invalid",
    "gemini_error_403_leaked": "key_leaked",
    "gemini_error_404_retired": "model_retired",
    "gemini_error_429": "quota_per_minute",
    "gemini_error_429_per_day": "quota_per_day",
    "gemini_error_429_prepay": "prepay_depleted",
    "gemini_error_429_spend_cap": "spend_cap",
    "gemini_error_500": "http_error",
    "gemini_error_503": "unavailable",
    "gemini_error_504": "deadline_exceeded",
}
ROUTES = {
    "gemini_models": "/v1beta/models",
    "gemini_model_get": f"/v1beta/models/{MODEL}",
    "gemini_models_last_page": "/v1beta/models?pageSize=5&pageToken=5",
}
# Requests, other spellings of an answer that stands above, and what has a test of its own.
ELSEWHERE = {
    "gemini_generate_request", "gemini_generate_request_as_sdk_sends", "gemini_error_400", "gemini_error_403",
    "gemini_error_404", "gemini_error_499", "gemini_error_503_overloaded", "gemini_count_tokens",
    "gemini_generate_thoughts",
}  # fmt: skip
HEADERS = {"x-goog-api-key": KEY}


def example(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def shape(value: Any) -> Any:
    """Return keys in order and kinds of values; a list stands for its first row."""
    if isinstance(value, dict):
        return [(key, shape(item)) for key, item in value.items()]
    if isinstance(value, list):
        return ["list", shape(value[0]) if value else None]
    return (
        "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
    )


def generate(gemini: Simulator, **config: Any) -> tuple[int, Any]:
    body = {"contents": [{"parts": [{"text": "hi"}]}], "generationConfig": config}
    return gemini.post(f"/v1beta/models/{MODEL}:generateContent", body, HEADERS)


def test_every_example_has_its_place() -> None:
    names = {path.stem for path in FOLDER.glob("gemini_*.json")}
    assert names == {*GENERATE, *ROUTES, *ELSEWHERE}


@pytest.mark.parametrize("name", GENERATE)
def test_an_answer_has_the_shape_of_its_example(gemini: Simulator, name: str) -> None:
    if kind := GENERATE[name]:
        gemini.switch_on(kind, count=1)
    status, answer = generate(gemini)
    wanted = example(name)
    if "error" in wanted:
        assert status == wanted["error"]["code"]
        assert answer["error"]["status"] == wanted["error"]["status"]
    assert loose(shape(answer)) == loose(shape(wanted))


def loose(found: Any) -> Any:
    """Forget what the examples themselves disagree on: thought signatures and safety ratings' fields."""
    if isinstance(found, list):
        optional = ("thoughtSignature", "safetyRatings", "avgLogprobs", "citationMetadata", "finishMessage")
        return [
            loose(item)
            for item in found
            if not (isinstance(item, tuple) and item[0] in (*optional, "serviceTier", "usageMetadata"))
        ]
    return (found[0], loose(found[1])) if isinstance(found, tuple) else found


@pytest.mark.parametrize("name", ROUTES)
def test_a_model_row_has_the_shape_of_its_example(gemini: Simulator, name: str) -> None:
    answer = gemini.get(ROUTES[name], HEADERS)
    wanted, row = example(name), answer
    if "models" in wanted:
        assert ("nextPageToken" in answer) <= ("nextPageToken" in wanted) or name == "gemini_models"
        wanted, row = wanted["models"][0], answer["models"][0]
    shared = [key for key in row if key in wanted]
    assert [key for key in wanted if key in row] == shared
    assert all(shape(row[key]) == shape(wanted[key]) for key in shared)
    assert len(shared) >= 7


def test_no_key_no_model_an_unknown_field_and_a_count_look_as_recorded(gemini: Simulator) -> None:
    body = {"contents": [{"parts": [{"text": "hi"}]}]}
    path = f"/v1beta/models/{MODEL}:generateContent"
    assert gemini.post(path, body, {}) == (403, example("gemini_error_403"))
    retired = gemini.post("/v1beta/models/gemini-3.6-flahs:generateContent", body, HEADERS)
    assert retired == (404, example("gemini_error_404"))
    schema = {"responseMimeType": "application/json", "responseSchema": {"additionalProperties": False}}
    assert generate(gemini, **schema) == (400, example("gemini_error_400"))
    status, counted = gemini.post(f"/v1beta/models/{MODEL}:countTokens", body, HEADERS)
    assert status == 200
    assert shape(counted) == shape(example("gemini_count_tokens"))


def test_thoughts_come_first_when_they_are_asked_for(gemini: Simulator) -> None:
    _, answer = generate(gemini, thinkingConfig={"includeThoughts": True})
    parts = answer["candidates"][0]["content"]["parts"]
    recorded = example("gemini_generate_thoughts")["candidates"][0]["content"]["parts"]
    assert [part.get("thought", False) for part in parts] == [part.get("thought", False) for part in recorded]


def test_the_request_the_official_client_sends_is_taken(gemini: Simulator) -> None:
    for name in ("gemini_generate_request_as_sdk_sends", "gemini_generate_request"):
        path = f"/v1beta/models/{MODEL}:generateContent"
        status, answer = gemini.post(path, example(name), HEADERS)
        assert status == 200, answer
