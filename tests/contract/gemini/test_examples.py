"""Every recorded answer has its shape here: the same keys in the same order, values of the same kind.

The examples stand beside the project, in `shared/examples`; without them these tests are skipped.
"""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from contract.gemini.conftest import KEY
from contract.gemini.test_google_genai import MODEL
from servers.simulators import Simulator
from servers.waiting import HANG_SECONDS

FOLDER = Path(__file__).parents[4] / "shared" / "examples"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no examples at {FOLDER}")

GENERATE: dict[str, str | None] = {
    "gemini_generate": None,
    "gemini_generate_max_tokens_empty": "max_tokens_empty",
    "gemini_generate_max_tokens_truncated_json": "truncated_json",
    "gemini_generate_stop_empty": "stop_empty",
    "gemini_generate_safety": "safety",
    "gemini_generate_no_finish_reason": "no_finish_reason",
    "gemini_generate_malformed_json": "malformed_json",
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
# Their numbers are the simulator's own.
QUOTAS = {"gemini_error_429", "gemini_error_429_per_day"}
ROUTES = {
    "gemini_models": "/v1beta/models?pageSize=3",
    "gemini_model_get": f"/v1beta/models/{MODEL}",
    "gemini_models_last_page": "/v1beta/models?pageToken=",
}
# Requests, other spellings of an answer that stands above, and what has a test of its own.
ELSEWHERE = {
    "gemini_generate_request", "gemini_generate_request_as_sdk_sends", "gemini_error_400", "gemini_error_403",
    "gemini_error_404", "gemini_error_499", "gemini_error_503_overloaded", "gemini_count_tokens",
    "gemini_generate_thoughts", "gemini_stream", "gemini_stream_error_midway",
}  # fmt: skip
HEADERS = {"x-goog-api-key": KEY}


def example(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def events(raw: bytes) -> list[Any]:
    """Return the documents of an event stream, which is spelled as the service does."""
    assert raw.endswith(b"\r\n\r\n")
    frames = raw.removesuffix(b"\r\n\r\n").split(b"\r\n\r\n")
    assert all(frame.startswith(b"data: ") for frame in frames)
    return [json.loads(frame.removeprefix(b"data: ")) for frame in frames]


def shape(value: Any) -> Any:
    """Return keys in order and kinds of values; rows of one shape that follow each other are one."""
    if isinstance(value, dict):
        return [(key, shape(item)) for key, item in value.items()]
    if isinstance(value, list):
        rows = [shape(item) for item in value]
        return ["list", *(row for index, row in enumerate(rows) if index == 0 or row != rows[index - 1])]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return "number" if is_number else type(value).__name__


def flaws(text: str) -> list[str]:
    """Return what keeps this text from being JSON; without them it is."""
    found = {"fence": re.compile(r"\A```json\n|\n```\Z"), "trailing comma": re.compile(r",(?=\s*[}\]])")}
    names = [name for name, pattern in found.items() if pattern.search(text)]
    for pattern in found.values():
        text = pattern.sub("", text)
    json.loads(text)
    return names


def generate(gemini: Simulator, **config: Any) -> tuple[int, Any]:
    config = {"responseMimeType": "application/json"} | config
    body = {"contents": [{"parts": [{"text": "hi"}]}], "generationConfig": config}
    return gemini.post(f"/v1beta/models/{MODEL}:generateContent", body, HEADERS)


def test_every_example_has_its_place() -> None:
    names = {path.stem for path in FOLDER.glob("gemini_*.*")}
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
    assert shape(answer) == shape(wanted)


@pytest.mark.parametrize("name", [name for name in GENERATE if "error" in name and name not in QUOTAS])
def test_an_error_is_the_recorded_one_to_the_letter(gemini: Simulator, name: str) -> None:
    gemini.switch_on(str(GENERATE[name]), count=1)
    model = "gemini-2.5-flash" if name.endswith("retired") else MODEL
    body = {"contents": [{"parts": [{"text": "hi"}]}]}
    _, answer = gemini.post(f"/v1beta/models/{model}:generateContent", body, HEADERS)
    gemini.switch_all_off()
    assert answer == example(name)


def test_malformed_json_has_the_flaws_of_its_example(gemini: Simulator) -> None:
    gemini.switch_on("malformed_json", count=1)
    _, answer = generate(gemini)
    found, wanted = (
        flaws(body["candidates"][0]["content"]["parts"][0]["text"])
        for body in (answer, example("gemini_generate_malformed_json"))
    )
    assert found == wanted == ["fence", "trailing comma"]


@pytest.mark.parametrize("name", ["gemini_error_499", "gemini_error_500", "gemini_error_503_overloaded"])
def test_an_error_of_any_status_can_be_asked_for(gemini: Simulator, name: str) -> None:
    wanted = example(name)
    gemini.switch_on("http_error", count=1, status=wanted["error"]["code"])
    assert generate(gemini) == (wanted["error"]["code"], wanted)


@pytest.mark.parametrize("name", ROUTES)
def test_a_model_list_has_the_shape_of_its_example(gemini: Simulator, name: str) -> None:
    path = ROUTES[name]
    if path.endswith("="):
        path += gemini.get("/v1beta/models?pageSize=3", HEADERS)["nextPageToken"]
    assert shape(gemini.get(path, HEADERS)) == shape(example(name))


def test_a_token_nobody_gave_out_is_refused(gemini: Simulator) -> None:
    for query in ("pageToken=x", "pageToken=AAAA", "pageSize=-1", "pageSize=many"):
        answer = httpx.get(f"{gemini.url}/v1/models?{query}", headers=HEADERS, timeout=HANG_SECONDS)
        assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("name", ["gemini_stream", "gemini_stream_error_midway"])
def test_a_stream_is_spelled_as_recorded(gemini: Simulator, name: str) -> None:
    if name.endswith("error_midway"):
        gemini.switch_on("stream_error_midway", count=1)
    url = f"{gemini.url}/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"
    body = {"contents": [{"parts": [{"text": "hi"}]}]}
    answer = httpx.post(url, json=body, headers=HEADERS, timeout=HANG_SECONDS)
    found, wanted = events(answer.content), events((FOLDER / f"{name}.sse").read_bytes())
    assert [shape(chunk) for chunk in found] == [shape(chunk) for chunk in wanted]
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["content-disposition"] == "attachment"
    totals = [chunk["usageMetadata"]["totalTokenCount"] for chunk in found if "usageMetadata" in chunk]
    assert totals == sorted(set(totals))


def test_a_stream_without_alt_is_one_array_its_errors_too(gemini: Simulator) -> None:
    path = f"/v1beta/models/{MODEL}:streamGenerateContent"
    status, chunks = gemini.post(path, {"contents": [{"parts": [{"text": "hi"}]}]}, HEADERS)
    assert status == 200
    assert len(chunks) == 3
    assert gemini.post(path, {"wishes": 1}, HEADERS)[1][0]["error"]["code"] == 400


def test_an_answer_is_spelled_and_headed_as_recorded(gemini: Simulator) -> None:
    answer = httpx.get(f"{gemini.url}/v1beta/models/{MODEL}", headers=HEADERS, timeout=HANG_SECONDS)
    assert answer.content == (FOLDER / "gemini_model_get.json").read_bytes()
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    assert answer.headers["server"] == "scaffolding on HTTPServer2"
    assert answer.headers["content-encoding"] == "gzip"
    assert {"vary", "server-timing", "alt-svc", "x-content-type-options", "x-frame-options"} <= {
        *answer.headers
    }


def test_thoughts_use_up_the_allowed_tokens_and_come_first_when_they_are_asked_for(
    gemini: Simulator,
) -> None:
    _, empty = generate(gemini, maxOutputTokens=50)
    assert shape(empty) == shape(example("gemini_generate_max_tokens_empty"))
    _, cut = generate(gemini, maxOutputTokens=110, thinkingConfig={"thinkingLevel": "low"})
    assert shape(cut["usageMetadata"]) == shape(
        example("gemini_generate_max_tokens_truncated_json")["usageMetadata"]
    )
    assert cut["candidates"][0]["finishReason"] == "MAX_TOKENS"
    _, answer = generate(gemini, thinkingConfig={"includeThoughts": True})
    assert shape(answer) == shape(example("gemini_generate_thoughts"))


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


def test_the_request_the_official_client_sends_is_taken(gemini: Simulator) -> None:
    for name in ("gemini_generate_request_as_sdk_sends", "gemini_generate_request"):
        path = f"/v1beta/models/{MODEL}:generateContent"
        status, answer = gemini.post(path, example(name), HEADERS)
        assert status == 200, answer
