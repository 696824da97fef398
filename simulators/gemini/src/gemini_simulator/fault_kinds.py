"""Which ways to fail can be switched on, and with which parameters?"""

from __future__ import annotations

from simulator_control import FaultKind

MODEL = {"model": "only this model; all by default"}


def _kind(name: str, description: str, /, **params: str) -> FaultKind:
    return FaultKind(name, description, {**MODEL, **params})


KEY_KINDS = (
    _kind("key_invalid", "400 API_KEY_INVALID, on every route"),
    _kind("auth_key_invalid", "401 UNAUTHENTICATED, on every route"),
    _kind("key_leaked", "403 reported as leaked, on every route"),
    _kind("region", "400 location not supported, on every route"),
)
ERROR_KINDS = (
    _kind("unavailable", "503 high demand", delay_seconds="how long before it (0)"),
    _kind("quota_per_minute", "429 with RetryInfo", retry_delay_seconds="what RetryInfo says (34)"),
    _kind(
        "quota_per_day", "429 until midnight Pacific", retry_delay_seconds="short and useless, or long (38)"
    ),
    _kind("limit_zero", "429 with limit: 0"),
    _kind("prepay_depleted", "429 prepayment credits are gone"),
    _kind("spend_cap", "429 monthly spending cap"),
    _kind("model_retired", "404 no longer available to new users"),
    _kind("deadline_exceeded", "504"),
    _kind("http_error", "an error status with a JSON body", status="400 to 599 (500)"),
    _kind("html_error", "an error status with an HTML page", status="400 to 599 (502)"),
)
ANSWER_KINDS = (
    _kind("max_tokens_empty", "MAX_TOKENS, no parts: thinking ate the budget"),
    _kind("truncated_json", "MAX_TOKENS, text cut in the middle"),
    _kind("fenced_json", "the JSON inside ```json fences"),
    _kind("trailing_comma", "a comma behind the last field"),
    _kind("prose_around_json", "words before and behind the JSON"),
    _kind("wrong_types", "confidence as a word, action as a number"),
    _kind("extra_keys", "a key nobody asked for"),
    _kind("nan_confidence", "confidence NaN"),
    _kind("confidence_out_of_range", "confidence above 1", confidence="the confidence (1e9)"),
    _kind("unknown_action", "an action outside of the enum", action="the action (SHORT)"),
    _kind("stop_empty", "STOP without text"),
    _kind("no_candidates", "no candidates at all"),
    _kind("no_parts", "a candidate whose content is empty"),
    _kind("no_finish_reason", "a candidate without finishReason"),
    _kind("safety", "finishReason SAFETY"),
    _kind("prohibited_content", "finishReason PROHIBITED_CONTENT"),
    _kind("recitation", "finishReason RECITATION"),
    _kind("prompt_blocked", "promptFeedback.blockReason"),
    _kind("malformed_function_call", "MALFORMED_FUNCTION_CALL though no tools were given"),
    _kind("unexpected_tool_call", "UNEXPECTED_TOOL_CALL though no tools were given"),
    _kind("routed_model", "modelVersion differs from the asked model", version="which (gemini-3.6-flash)"),
    _kind("bad_thought_signature", "thoughtSignature is no base64; not in a stream"),
    _kind("contradictory_answer", "the reasoning says the opposite of the action"),
    _kind("wrong_price", "the reasoning quotes a price 5 % off", price="the quoted price"),
    _kind("missing_usage", "no usageMetadata"),
)
TRANSPORT_KINDS = (
    _kind(
        "slow", "the answer takes long; 504 when X-Server-Timeout ends first", delay_seconds="how long (60)"
    ),
    _kind("drip", "the body comes byte by byte", bytes_per_second="above 0 (1)"),
    _kind("hang", "no byte ever comes"),
    _kind("reset", "the connection is reset"),
    _kind("broken_json_200", "status 200, the body's JSON is cut off"),
    FaultKind("models_list_fails", "ListModels answers an error", {"status": "400 to 599 (500)"}),
    _kind("stream_error_midway", "a 200 stream, then an error event"),
    _kind("stream_eof", "a 200 stream that ends in the middle"),
)
ALL_KINDS = (*KEY_KINDS, *ERROR_KINDS, *ANSWER_KINDS, *TRANSPORT_KINDS)
