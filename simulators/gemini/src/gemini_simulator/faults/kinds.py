"""Fault kinds of the Gemini simulator, their parameters and the routes that each reaches."""

from gemini_simulator.api.call import Call
from gemini_simulator.faults.parameters import ROUTES, check_parameter
from simulator_control import Fault, FaultKind, Faults

MODEL = {"model": "only this model, so never the model list; all by default"}
EVERY_ROUTE = "every route"
GENERATIONS = "generateContent and streamGenerateContent"
STREAMS = "streamGenerateContent"


def _kind(name: str, description: str, /, *, reaches: str = GENERATIONS, **params: str) -> FaultKind:
    return FaultKind(name, f"{description}; reaches {reaches}", {**MODEL, **params})


def _outage(name: str, description: str, /, *, reaches: str = GENERATIONS, **params: str) -> FaultKind:
    """Return a kind for which `routes` says whether the whole host or only the generations are away."""
    default = "all" if reaches == EVERY_ROUTE else "generations"
    return _kind(name, description, reaches=reaches, **params, routes=f"{' or '.join(ROUTES)} ({default})")


KEY_KINDS = (
    _kind("key_invalid", "400 API_KEY_INVALID", reaches=EVERY_ROUTE),
    _kind("auth_key_invalid", "401 UNAUTHENTICATED", reaches=EVERY_ROUTE),
    _kind("key_leaked", "403 reported as leaked", reaches=EVERY_ROUTE),
    _kind("region", "400 location not supported", reaches=EVERY_ROUTE),
)
HOST_KINDS = (
    _outage("hang", "no byte ever comes", reaches=EVERY_ROUTE),
    _outage("reset", "the connection is reset", reaches=EVERY_ROUTE),
)
_VIOLATIONS = "a list of requests_per_minute, requests_per_day, input_tokens_per_minute"
ERROR_KINDS = (
    _outage("unavailable", "503 high demand", delay_seconds="how long before it (0)"),
    _kind(
        "quota_per_minute",
        "429 with RetryInfo",
        retry_delay_seconds="what RetryInfo says (34)",
        violations=f"{_VIOLATIONS} (the first)",
    ),
    _kind(
        "quota_per_day",
        "429 until midnight Pacific",
        retry_delay_seconds="short and useless, or long (38)",
        violations=f"{_VIOLATIONS} (the second)",
    ),
    _kind("limit_zero", "429 with limit: 0"),
    _kind("prepay_depleted", "429 prepayment credits are gone"),
    _kind("spend_cap", "429 monthly spending cap"),
    _kind("model_retired", "404 no longer available to new users"),
    _kind("deadline_exceeded", "504"),
    _outage("http_error", "an error status with a JSON body", status="400 to 599 (500)"),
    _outage("html_error", "an error status with an HTML page", status="400 to 599 (502)"),
)
ANSWER_KINDS = (
    _kind("max_tokens_empty", "MAX_TOKENS, no parts: thinking ate the budget"),
    _kind("truncated_json", "MAX_TOKENS, text cut in the middle"),
    _kind("fenced_json", "the JSON inside ```json fences"),
    _kind("trailing_comma", "a comma behind the last field"),
    _kind("malformed_json", "fences and a trailing comma at once"),
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
    _kind("different_answer", "another action than the figures say, and another each time"),
    _kind("contradictory_answer", "the reasoning says the opposite of the action"),
    _kind("wrong_price", "the reasoning quotes a price 5 % off", price="the quoted price"),
    _kind("missing_usage", "no usageMetadata"),
    _kind("partial_usage", "usageMetadata with promptTokenCount alone"),
)
TRANSPORT_KINDS = (
    _outage(
        "slow", "the answer takes long; 504 when X-Server-Timeout ends first", delay_seconds="how long (60)"
    ),
    _kind("drip", "the body comes byte by byte", bytes_per_second="above 0 (1)"),
    _kind("broken_json_200", "status 200, the body's JSON is cut off"),
    FaultKind(
        "models_list_fails",
        "ListModels answers an error; reaches ListModels",
        {"status": "400 to 599 (500)"},
    ),
    _kind("stream_error_midway", "a 200 stream, then an error event", reaches=STREAMS),
    _kind("stream_eof", "a 200 stream that ends in the middle", reaches=STREAMS),
)
ALL_KINDS = (*KEY_KINDS, *HOST_KINDS, *ERROR_KINDS, *ANSWER_KINDS, *TRANSPORT_KINDS)
EVERYWHERE = frozenset(kind.name for kind in (*KEY_KINDS, *HOST_KINDS))


class GeminiFaults(Faults):
    """The faults of this simulator."""

    def __init__(self) -> None:
        super().__init__(ALL_KINDS, check_parameter)

    def take_for(self, call: Call, *kinds: str) -> Fault | None:
        """Use the oldest active fault of these kinds that concerns this call; others stay unused."""
        return self.take(*kinds, concerns=lambda fault: _concerns(fault, call))


def number(fault: Fault, name: str, default: float) -> float:
    """Return a numeric parameter; it was checked when the fault was given."""
    return float(fault.params.get(name, default))


def _concerns(fault: Fault, call: Call) -> bool:
    """Say whether it is the fault's model, under the asked or the serving name, and one of its routes."""
    model = str(fault.params.get("model") or "").removeprefix("models/")
    routes = fault.params.get("routes", "all" if fault.kind in EVERYWHERE else "generations")
    return (not model or model in (call.name, call.model)) and (routes == "all" or call.is_generation)
