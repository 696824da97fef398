"""Which ways to fail can be switched on? Names, parameters, and what each does to an answer."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from gemini_simulator import errors
from gemini_simulator.answers import usage_row
from gemini_simulator.errors import ApiError
from simulator_control import Fault, FaultKind

MODEL = {"model": "only this model; all by default"}
Body = dict[str, Any]


def _refusal(name: str, description: str, **params: str) -> FaultKind:
    return FaultKind(name, description, {**MODEL, **params})


ERROR_KINDS = (
    _refusal("unavailable", "503 high demand", delay_seconds="how long before it, 0"),
    _refusal("quota_per_minute", "429 with RetryInfo", retry_delay_seconds="34"),
    _refusal("quota_per_day", "429 until midnight Pacific", retry_delay_seconds="a short, useless 38"),
    _refusal("limit_zero", "429 with limit: 0"),
    _refusal("prepay_depleted", "429 prepayment credits are gone"),
    _refusal("spend_cap", "429 monthly spending cap"),
    _refusal("model_retired", "404 no longer available to new users"),
    _refusal("key_invalid", "400 API_KEY_INVALID"),
    _refusal("auth_key_invalid", "401 UNAUTHENTICATED"),
    _refusal("key_leaked", "403 reported as leaked"),
    _refusal("region", "400 location not supported"),
    _refusal("deadline_exceeded", "504"),
    _refusal("http_error", "an error status with a JSON body", status="500"),
    _refusal("html_error", "an error status with an HTML page", status="502"),
)
ANSWER_KINDS = (
    _refusal("max_tokens_empty", "MAX_TOKENS, no parts: thinking ate the budget"),
    _refusal("truncated_json", "MAX_TOKENS, text cut in the middle"),
    _refusal("fenced_json", "the JSON inside ```json fences"),
    _refusal("trailing_comma", "a comma behind the last field"),
    _refusal("prose_around_json", "words before and behind the JSON"),
    _refusal("wrong_types", "confidence as a word, action as a number"),
    _refusal("extra_keys", "a key nobody asked for"),
    _refusal("nan_confidence", "confidence NaN"),
    _refusal("confidence_out_of_range", "confidence 1e9", value="1e9"),
    _refusal("unknown_action", "an action outside of the enum", value="SHORT"),
    _refusal("stop_empty", "STOP without text"),
    _refusal("no_candidates", "no candidates at all"),
    _refusal("no_parts", "a candidate whose content is empty"),
    _refusal("no_finish_reason", "a candidate without finishReason"),
    _refusal("safety", "finishReason SAFETY"),
    _refusal("prohibited_content", "finishReason PROHIBITED_CONTENT"),
    _refusal("recitation", "finishReason RECITATION"),
    _refusal("prompt_blocked", "promptFeedback.blockReason"),
    _refusal("malformed_function_call", "MALFORMED_FUNCTION_CALL though no tools were given"),
    _refusal("unexpected_tool_call", "UNEXPECTED_TOOL_CALL though no tools were given"),
    _refusal("routed_model", "modelVersion differs from the asked model", version="gemini-3.6-flash"),
    _refusal("bad_thought_signature", "thoughtSignature is no base64"),
    _refusal("contradictory_answer", "the reasoning says the opposite of the action"),
    _refusal("wrong_price", "the reasoning quotes a price 5 % off", price="the quoted price"),
    _refusal("missing_usage", "no usageMetadata"),
)
TRANSPORT_KINDS = (
    _refusal("slow", "the answer takes long", delay_seconds="60"),
    _refusal("drip", "the body comes byte by byte", bytes_per_second="1"),
    _refusal("hang", "no byte ever comes"),
    _refusal("reset", "the connection is reset"),
    _refusal("broken_json_200", "status 200, the body's JSON is cut off"),
    FaultKind("models_list_fails", "ListModels answers an error", {"status": "500"}),
    _refusal("stream_error_midway", "a 200 stream, then an error event"),
    _refusal("stream_eof", "a 200 stream that ends in the middle"),
)
ALL_KINDS = (*ERROR_KINDS, *ANSWER_KINDS, *TRANSPORT_KINDS)


def error_of(fault: Fault, model: str) -> ApiError:
    """Return the error answer that an error kind stands for (but for `html_error`)."""
    params = fault.params
    makers: dict[str, Callable[[], ApiError]] = {
        "unavailable": errors.unavailable,
        "quota_per_minute": lambda: errors.quota_exceeded(
            model, period="PerMinute", limit=5, retry_delay=f"{params.get('retry_delay_seconds', 34)}s"
        ),
        "quota_per_day": lambda: errors.quota_exceeded(
            model, period="PerDay", limit=20, retry_delay=f"{params.get('retry_delay_seconds', 38)}s"
        ),
        "limit_zero": lambda: errors.quota_exceeded(model, period="PerMinute", limit=0, retry_delay="38s"),
        "prepay_depleted": errors.prepay_depleted,
        "spend_cap": errors.spend_cap,
        "model_retired": lambda: errors.model_retired(model),
        "key_invalid": errors.key_invalid,
        "auth_key_invalid": errors.auth_key_invalid,
        "key_leaked": errors.key_leaked,
        "region": errors.region_refused,
        "deadline_exceeded": errors.deadline_exceeded,
        "http_error": lambda: ApiError(int(params.get("status", 500)), "INTERNAL", "Injected error."),
    }
    return makers[fault.kind]()


_FINISH = {
    "safety": "SAFETY",
    "prohibited_content": "PROHIBITED_CONTENT",
    "recitation": "RECITATION",
    "malformed_function_call": "MALFORMED_FUNCTION_CALL",
    "unexpected_tool_call": "UNEXPECTED_TOOL_CALL",
}


def spoil(body: Body, fault: Fault, prompt: str) -> Body:
    """Return the good answer `body` as an answer kind spoils it."""
    spoilt = copy.deepcopy(body)
    candidate = spoilt["candidates"][0]
    text = candidate["content"]["parts"][-1]["text"]
    if fault.kind in _TEXT_SPOILERS:
        changed = _TEXT_SPOILERS[fault.kind](text, fault.params)
        candidate["content"]["parts"][-1]["text"] = changed
        if fault.kind == "truncated_json":
            candidate["finishReason"] = "MAX_TOKENS"
    elif fault.kind in _FINISH:
        candidate["finishReason"] = _FINISH[fault.kind]
        candidate["content"] = {} if fault.kind == "safety" else {"role": "model"}
        if fault.kind == "safety":
            rating = {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True}
            candidate["safetyRatings"] = [rating]
        if fault.kind == "malformed_function_call":
            candidate["finishMessage"] = "Malformed function call: call:decide"
    else:
        _spoil_shape(spoilt, fault, prompt)
    return spoilt


def _spoil_shape(body: Body, fault: Fault, prompt: str) -> None:
    candidate = body["candidates"][0]
    match fault.kind:
        case "max_tokens_empty":
            candidate.update(content={"role": "model"}, finishReason="MAX_TOKENS")
            body["usageMetadata"] = usage_row(prompt, "", 512)
        case "stop_empty":
            candidate["content"] = {"role": "model"}
        case "no_parts":
            candidate["content"] = {}
        case "no_candidates":
            del body["candidates"]
        case "prompt_blocked":
            rest = {key: value for key, value in body.items() if key != "candidates"}
            rest["usageMetadata"] = usage_row(prompt, "", 0)
            body.clear()
            body.update({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}} | rest)
        case "no_finish_reason":
            del candidate["finishReason"], candidate["index"], body["responseId"]
        case "routed_model":
            body["modelVersion"] = fault.params.get("version", "gemini-3.6-flash")
        case "bad_thought_signature":
            candidate["content"]["parts"][-1]["thoughtSignature"] = "not base64 !"
        case "missing_usage":
            del body["usageMetadata"]


def _with_fields(text: str, **changes: Any) -> str:
    try:
        document = json.loads(text)
    except ValueError:
        return text
    return json.dumps(document | changes if isinstance(document, dict) else document)


def _contradict(text: str, _: Body) -> str:
    try:
        action = json.loads(text)["action"]
    except (ValueError, KeyError, TypeError):
        return text
    opposite = {"BUY": "a clear SELL", "SELL": "a clear BUY"}.get(action, "anything but HOLD")
    return _with_fields(text, reasoning=f"Every figure speaks for {opposite}.")


def _quote_wrong_price(text: str, params: Body) -> str:
    digits = [word for word in text.replace(",", "").split() if word.replace(".", "", 1).isdigit()]
    price = float(params.get("price") or max(map(float, digits), default=100.0) * 1.05)
    return _with_fields(text, reasoning=f"The price stands at {price:.0f} KRW and momentum is clear.")


_TEXT_SPOILERS: dict[str, Callable[[str, Body], str]] = {
    "truncated_json": lambda text, _: text[: len(text) // 2],
    "fenced_json": lambda text, _: f"```json\n{text}\n```",
    "trailing_comma": lambda text, _: text.rstrip().removesuffix("}").rstrip() + ",\n}",
    "prose_around_json": lambda text, _: f"Here is my decision:\n{text}\nLet me know if you need more.",
    "wrong_types": lambda text, _: _with_fields(text, action=1, confidence="high"),
    "extra_keys": lambda text, _: _with_fields(text, size_krw=1000000),
    "nan_confidence": lambda text, _: _with_fields(text, confidence=float("nan")),
    "confidence_out_of_range": lambda text, params: _with_fields(
        text, confidence=float(params.get("value", 1e9))
    ),
    "unknown_action": lambda text, params: _with_fields(text, action=params.get("value", "SHORT")),
    "contradictory_answer": _contradict,
    "wrong_price": _quote_wrong_price,
}
