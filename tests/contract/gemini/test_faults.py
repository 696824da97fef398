"""What the official client sees of each fault; every kind is listed, so none can be added untested."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import httpx2
import pytest
from google import genai
from google.genai import errors

from contract.gemini.conftest import KEY
from contract.gemini.test_google_genai import MODEL, RISING, decide
from servers.simulators import Simulator
from servers.waiting import HANG_SECONDS

ERRORS = {
    "unavailable": (503, "UNAVAILABLE"),
    "quota_per_minute": (429, "RESOURCE_EXHAUSTED"),
    "quota_per_day": (429, "RESOURCE_EXHAUSTED"),
    "limit_zero": (429, "RESOURCE_EXHAUSTED"),
    "prepay_depleted": (429, "RESOURCE_EXHAUSTED"),
    "spend_cap": (429, "RESOURCE_EXHAUSTED"),
    "model_retired": (404, "NOT_FOUND"),
    "key_invalid": (400, "INVALID_ARGUMENT"),
    "auth_key_invalid": (401, "UNAUTHENTICATED"),
    "key_leaked": (403, "PERMISSION_DENIED"),
    "region": (400, "FAILED_PRECONDITION"),
    "deadline_exceeded": (504, "DEADLINE_EXCEEDED"),
    "http_error": (500, "INTERNAL"),
    "html_error": (502, "Bad Gateway"),
}
FINISH_REASONS = {
    "max_tokens_empty": "MAX_TOKENS",
    "truncated_json": "MAX_TOKENS",
    "safety": "SAFETY",
    "prohibited_content": "PROHIBITED_CONTENT",
    "recitation": "RECITATION",
    "malformed_function_call": "MALFORMED_FUNCTION_CALL",
    "unexpected_tool_call": "UNEXPECTED_TOOL_CALL",
}
NO_JSON = {"truncated_json", "fenced_json", "trailing_comma", "malformed_json", "prose_around_json"}
WRONG_JSON: dict[str, Callable[[Any], bool]] = {
    "wrong_types": lambda answer: answer["confidence"] == "high",
    "extra_keys": lambda answer: "size_krw" in answer,
    "nan_confidence": lambda answer: answer["confidence"] != answer["confidence"],
    "confidence_out_of_range": lambda answer: answer["confidence"] > 1,
    "unknown_action": lambda answer: answer["action"] == "SHORT",
    "contradictory_answer": lambda answer: "SELL" in answer["reasoning"],
    "wrong_price": lambda answer: "140700000" in answer["reasoning"],
}
EMPTY = {
    "stop_empty", "no_candidates", "no_parts", "prompt_blocked", "max_tokens_empty", "safety",
    "prohibited_content", "recitation", "malformed_function_call", "unexpected_tool_call",
}  # fmt: skip
OTHER = {
    "slow", "drip", "hang", "reset", "broken_json_200", "models_list_fails", "stream_error_midway",
    "stream_eof", "routed_model", "bad_thought_signature", "missing_usage", "partial_usage",
    "no_finish_reason", "different_answer",
}  # fmt: skip
# The API's own 504 where the simulator notices the client's deadline first.
NOTHING_CAME = (httpx2.HTTPError, errors.ServerError)


def ask(client: genai.Client) -> Any:
    return client.models.generate_content(
        model=MODEL, contents=RISING, config={"response_mime_type": "application/json"}
    )


def body_of(gemini: Simulator) -> dict[str, Any]:
    body = {
        "contents": [{"parts": [{"text": RISING}]}],
        "generationConfig": {
            "responseMimeType": "application/json",
            "responseJsonSchema": {
                "type": "object",
                "properties": {
                    "action": {"enum": ["BUY", "SELL", "HOLD"]},
                    "confidence": {"type": "number"},
                    "reasoning": {"type": "string"},
                },
            },
        },
    }
    status, answer = gemini.post(f"/v1beta/models/{MODEL}:generateContent", body, {"x-goog-api-key": KEY})
    assert status == 200
    found: dict[str, Any] = answer
    return found


def test_every_listed_kind_is_tested_here(gemini: Simulator) -> None:
    listed = {kind["kind"] for kind in gemini.get("/_control/faults")["kinds"]}
    assert listed == {*ERRORS, *FINISH_REASONS, *NO_JSON, *WRONG_JSON, *EMPTY, *OTHER}


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_is_raised_with_its_code_and_status(
    gemini: Simulator, client: genai.Client, kind: str
) -> None:
    gemini.switch_on(kind, count=1)
    with pytest.raises(errors.APIError) as raised:
        ask(client)
    assert (raised.value.code, raised.value.status) == ERRORS[kind]
    assert decide(client, RISING)["action"] == "BUY"


@pytest.mark.parametrize("kind", FINISH_REASONS)
def test_an_answer_ends_for_another_reason(gemini: Simulator, kind: str, client: genai.Client) -> None:
    gemini.switch_on(kind, count=1)
    assert body_of(gemini)["candidates"][0]["finishReason"] == FINISH_REASONS[kind]
    assert ask(client).text


@pytest.mark.parametrize("kind", sorted(EMPTY))
def test_an_answer_has_no_text(gemini: Simulator, client: genai.Client, kind: str) -> None:
    gemini.switch_on(kind, count=1)
    assert not ask(client).text


@pytest.mark.parametrize("kind", sorted(NO_JSON))
def test_an_answers_text_is_no_json(gemini: Simulator, client: genai.Client, kind: str) -> None:
    gemini.switch_on(kind, count=1)
    text = body_of(gemini)["candidates"][0]["content"]["parts"][0]["text"]
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
    assert ask(client).text


@pytest.mark.parametrize("kind", WRONG_JSON)
def test_an_answers_json_is_wrong(gemini: Simulator, client: genai.Client, kind: str) -> None:
    gemini.switch_on(kind, count=1)
    text = body_of(gemini)["candidates"][0]["content"]["parts"][0]["text"]
    assert WRONG_JSON[kind](json.loads(text))
    assert ask(client).text


def test_the_served_model_differs(gemini: Simulator, client: genai.Client) -> None:
    gemini.switch_on("routed_model", count=1)
    assert ask(client).model_version == "gemini-3.6-flash"


def test_usage_and_finish_reason_may_be_missing(gemini: Simulator, client: genai.Client) -> None:
    gemini.switch_on("missing_usage", count=1)
    assert ask(client).usage_metadata is None
    gemini.switch_on("no_finish_reason", count=1)
    assert ask(client).candidates[0].finish_reason is None


@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent"])
def test_usage_may_be_partial(gemini: Simulator, client: genai.Client, method: str) -> None:
    gemini.switch_on("partial_usage", count=2)
    body = {"contents": [{"parts": [{"text": "hi"}]}]}
    _, answer = gemini.post(f"/v1beta/models/{MODEL}:{method}", body, {"x-goog-api-key": KEY})
    chunks = answer if isinstance(answer, list) else [answer]
    assert {tuple(chunk["usageMetadata"]) for chunk in chunks} == {("promptTokenCount",)}
    assert ask(client).usage_metadata.candidates_token_count is None


def test_the_same_prompt_gets_another_answer_each_time(gemini: Simulator, client: genai.Client) -> None:
    plain = decide(client, RISING)
    gemini.switch_on("different_answer", count=3)
    others = []
    for _ in range(3):
        others.append(decide(client, RISING)["action"])
        assert client.models.count_tokens(model=MODEL, contents="hi").total_tokens
    assert sorted({plain["action"], *others}) == ["BUY", "HOLD", "SELL"]
    assert plain["action"] not in others
    assert others[0] == others[2] != others[1]
    assert decide(client, RISING) == plain


@pytest.mark.parametrize("kind", ["broken_json_200", "bad_thought_signature"])
def test_a_damaged_body_is_no_api_error(gemini: Simulator, client: genai.Client, kind: str) -> None:
    gemini.switch_on(kind, count=1)
    with pytest.raises(ValueError, match=r"."):
        ask(client)


@pytest.mark.parametrize("kind", ["hang", "slow", "drip", "reset"])
def test_a_connection_that_brings_nothing_is_no_api_error(
    gemini: Simulator, client: genai.Client, kind: str
) -> None:
    gemini.switch_on(kind, count=1)
    with pytest.raises(NOTHING_CAME):
        client.models.generate_content(model=MODEL, contents="hi", config={"http_options": {"timeout": 500}})


@pytest.mark.parametrize("kind", ["key_invalid", "auth_key_invalid", "key_leaked", "region"])
def test_a_dead_key_is_dead_on_every_route(gemini: Simulator, client: genai.Client, kind: str) -> None:
    gemini.switch_on(kind)
    for call in (
        lambda: list(client.models.list()),
        lambda: client.models.get(model=MODEL),
        lambda: client.models.count_tokens(model=MODEL, contents="hi"),
        lambda: list(client.models.generate_content_stream(model=MODEL, contents="hi")),
    ):
        with pytest.raises(errors.ClientError) as refused:
            call()
        assert (refused.value.code, refused.value.status) == ERRORS[kind]


def every_other_route(
    gemini: Simulator, *, read_seconds: float = HANG_SECONDS, **headers: str
) -> list[Callable[[], httpx.Response]]:
    """Return how each route but the two that generate is asked."""
    models = f"{gemini.url}/v1beta/models"
    settings: dict[str, Any] = {
        "headers": {"x-goog-api-key": KEY, **headers},
        "timeout": httpx.Timeout(HANG_SECONDS, read=read_seconds),
    }
    body = {"contents": [{"parts": [{"text": "hi"}]}]}
    return [
        lambda: httpx.get(models, **settings),
        lambda: httpx.get(f"{models}/{MODEL}", **settings),
        lambda: httpx.post(f"{models}/{MODEL}:countTokens", json=body, **settings),
    ]


@pytest.mark.parametrize("kind", ["hang", "reset"])
def test_a_host_that_is_away_is_away_on_every_route(
    gemini: Simulator, client: genai.Client, kind: str
) -> None:
    # A reset that meets the client while it still writes is seen as a mere end by its next read.
    seen = httpx.ReadTimeout if kind == "hang" else (httpx.ReadError, httpx.RemoteProtocolError)
    read_seconds = 0.2 if kind == "hang" else HANG_SECONDS
    gemini.switch_on(kind)
    for call in every_other_route(gemini, read_seconds=read_seconds):
        with pytest.raises(seen):
            call()
    without_key = httpx.Client(base_url=gemini.url, timeout=httpx.Timeout(HANG_SECONDS, read=read_seconds))
    with without_key, pytest.raises(seen):
        without_key.get("/v1beta/models")


OUTAGES = {"unavailable": 503, "http_error": 500, "html_error": 502, "slow": 504}


@pytest.mark.parametrize("kind", [*OUTAGES, "hang", "reset"])
def test_generations_can_fail_while_every_other_route_works(
    gemini: Simulator, client: genai.Client, kind: str
) -> None:
    routes: dict[str, Any] = {} if kind in OUTAGES else {"routes": "generations"}
    gemini.switch_on(kind, **routes)
    assert [call().status_code for call in every_other_route(gemini)] == [200] * 3
    with pytest.raises(NOTHING_CAME):
        client.models.generate_content(model=MODEL, contents="hi", config={"http_options": {"timeout": 200}})


@pytest.mark.parametrize("kind", OUTAGES)
def test_an_outage_can_reach_every_route(gemini: Simulator, client: genai.Client, kind: str) -> None:
    gemini.switch_on(kind, routes="all")
    patience: dict[str, Any] = {"X-Server-Timeout": "0.05"}
    assert [call().status_code for call in every_other_route(gemini, **patience)] == [OUTAGES[kind]] * 3


def test_each_kind_says_which_routes_it_reaches(gemini: Simulator) -> None:
    kinds = {kind["kind"]: kind for kind in gemini.get("/_control/faults")["kinds"]}
    said = {name: kind["description"].partition("; reaches ")[2] for name, kind in kinds.items()}
    assert said["hang"] == said["reset"] == said["key_leaked"] == "every route"
    assert said["unavailable"] == "generateContent and streamGenerateContent"
    assert said["stream_eof"] == "streamGenerateContent"
    assert said["models_list_fails"] == "ListModels"
    assert all(said.values())
    with_choice = {name for name, kind in kinds.items() if "routes" in kind["params"]}
    assert with_choice == {*OUTAGES, "hang", "reset"}


def test_a_hang_outlasts_the_clients_own_deadline(gemini: Simulator) -> None:
    gemini.switch_on("hang", count=1)
    path = f"{gemini.url}/v1/models/{MODEL}:generateContent"
    headers = {"x-goog-api-key": KEY, "X-Server-Timeout": "0.1"}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            path,
            json={"contents": [{"parts": [{"text": "hi"}]}]},
            headers=headers,
            timeout=httpx.Timeout(HANG_SECONDS, read=0.6),
        )


def test_a_reset_is_a_reset_and_counted_as_unanswered(gemini: Simulator) -> None:
    gemini.switch_on("reset", count=1)
    with pytest.raises(httpx.ReadError, match="reset by peer"):
        httpx.post(
            f"{gemini.url}/v1/models/{MODEL}:countTokens",
            headers={"x-goog-api-key": KEY},
            timeout=HANG_SECONDS,
        )
    rows = gemini.get("/_control/stats")["requests"]
    assert {"route": "/{version}/models/{model}:{method}", "status": 0} in [
        {"route": row["route"], "status": row["status"]} for row in rows
    ]


def test_a_dripping_body_is_whole_in_the_end(gemini: Simulator, client: genai.Client) -> None:
    gemini.switch_on("drip", count=2, bytes_per_second=100_000)
    assert decide(client, RISING)["action"] == "BUY"
    pieces = list(client.models.generate_content_stream(model=MODEL, contents=RISING))
    assert "".join(piece.text or "" for piece in pieces).startswith("BUY")


def test_a_wrong_price_is_five_percent_off_whatever_it_is(gemini: Simulator) -> None:
    gemini.switch_on("wrong_price", count=1)
    prompt = RISING.replace("134000000", "0.00124")
    body = {
        "contents": [{"parts": [{"text": prompt}]}],
        "generationConfig": {"responseMimeType": "application/json"},
    }
    _, answer = gemini.post(f"/v1/models/{MODEL}:generateContent", body, {"x-goog-api-key": KEY})
    assert "0.001302" in answer["candidates"][0]["content"]["parts"][0]["text"]


def test_a_storm_comes_slowly_and_leaves_the_other_models_alone(
    gemini: Simulator, client: genai.Client
) -> None:
    gemini.switch_on("unavailable", model="gemini-3.6-flash", delay_seconds=0.3)
    assert decide(client, RISING)["action"] == "BUY"
    started = time.monotonic()
    with pytest.raises(errors.ServerError):
        client.models.generate_content(model="gemini-3.6-flash", contents="hi")
    assert time.monotonic() - started >= 0.3


def test_the_model_list_fails(gemini: Simulator, client: genai.Client) -> None:
    gemini.switch_on("models_list_fails", count=1)
    with pytest.raises(errors.ServerError):
        list(client.models.list())


def test_a_stream_breaks_off_with_an_error_event(gemini: Simulator, client: genai.Client) -> None:
    gemini.switch_on("stream_error_midway", count=1)
    stream = client.models.generate_content_stream(model=MODEL, contents=RISING)
    assert next(stream).text
    with pytest.raises(errors.ServerError):
        next(stream)


def test_a_stream_just_ends(gemini: Simulator, client: genai.Client) -> None:
    gemini.switch_on("stream_eof", count=1)
    stream = client.models.generate_content_stream(model=MODEL, contents=RISING)
    with pytest.raises(NOTHING_CAME):
        list(stream)
