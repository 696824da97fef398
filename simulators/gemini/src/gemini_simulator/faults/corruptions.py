"""Corruptions: what each answer kind of fault does to a good answer. Pure."""

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

from gemini_simulator.generation.answers import usage_row
from gemini_simulator.generation.decision import price_in
from simulator_control import Fault

Body = dict[str, Any]
WRONG_BY = 1.05
_CATEGORIES = ("HATE_SPEECH", "DANGEROUS_CONTENT", "HARASSMENT", "SEXUALLY_EXPLICIT")
_FINISH = ("safety", "prohibited_content", "recitation", "malformed_function_call", "unexpected_tool_call")


def corrupt(body: Body, fault: Fault, prompt: str) -> Body:
    """Return the good answer `body` corrupted by an answer kind; an answer without text stays."""
    corrupted = copy.deepcopy(body)
    candidate = corrupted["candidates"][0]
    if fault.kind in _TEXT_CORRUPTIONS or fault.kind == "wrong_price":
        _corrupt_text(candidate, fault, prompt)
    elif fault.kind in _FINISH:
        _change_finish(corrupted, fault.kind)
    else:
        _corrupt_shape(corrupted, fault)
    return corrupted


def _corrupt_text(candidate: Body, fault: Fault, prompt: str) -> None:
    parts = candidate["content"].get("parts")
    if not parts:
        return
    text = parts[-1]["text"]
    if fault.kind == "wrong_price":
        parts[-1]["text"] = _quote_wrong_price(text, fault.params, prompt)
        return
    # Recorded answers of these shapes carry no thought signature.
    parts[-1] = {"text": _TEXT_CORRUPTIONS[fault.kind](text, fault.params)}
    if fault.kind == "truncated_json":
        candidate["finishReason"] = "MAX_TOKENS"


def _change_finish(body: Body, kind: str) -> None:
    candidate = body["candidates"][0]
    candidate["content"] = {} if kind == "safety" else {"role": "model"}
    candidate["finishReason"] = kind.upper()
    index = candidate.pop("index")
    if kind == "safety":
        candidate["safetyRatings"] = _ratings()
    if kind == "malformed_function_call":
        candidate["finishMessage"] = "Malformed function call: call:bash ..."
    candidate["index"] = index
    body["usageMetadata"] = _usage(body, thoughts=False)


def _ratings() -> list[Body]:
    rows: list[Body] = [
        {"category": f"HARM_CATEGORY_{name}", "probability": "NEGLIGIBLE"} for name in _CATEGORIES
    ]
    rows[0] = {**rows[0], "probability": "LOW", "blocked": True}
    return rows


def _corrupt_shape(body: Body, fault: Fault) -> None:
    candidate = body["candidates"][0]
    match fault.kind:
        case "max_tokens_empty":
            candidate.update(content={"role": "model"}, finishReason="MAX_TOKENS")
            body["usageMetadata"] = _usage(body, thoughts=True)
        case "stop_empty" | "no_parts":
            candidate["content"] = {"role": "model"} if fault.kind == "stop_empty" else {}
            body["usageMetadata"] = _usage(body, thoughts=True)
        case "no_candidates":
            del body["candidates"]
        case "prompt_blocked":
            rest = {"usageMetadata": _usage(body, thoughts=False)}
            rest |= {key: body[key] for key in ("modelVersion", "responseId")}
            body.clear()
            body.update({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}} | rest)
        case "no_finish_reason":
            _remove_finish(body)
        case "routed_model":
            body["modelVersion"] = fault.params.get("version", "gemini-3.6-flash")
        case "bad_thought_signature":
            for part in candidate["content"].get("parts", [])[-1:]:
                part["thoughtSignature"] = "not base64 !"
        case "missing_usage":
            del body["usageMetadata"]
        case "partial_usage":
            body["usageMetadata"] = {"promptTokenCount": body["usageMetadata"]["promptTokenCount"]}


def _remove_finish(body: Body) -> None:
    """Match the one recording of such an answer: from a model that did not think and gave no ids."""
    candidate, usage = body["candidates"][0], body["usageMetadata"]
    del candidate["finishReason"], candidate["index"], body["responseId"]
    for part in candidate["content"].get("parts", []):
        part.pop("thoughtSignature", None)
    answered = usage.get("candidatesTokenCount", 0)
    body["usageMetadata"] = usage_row(prompt=usage["promptTokenCount"], answer=answered)


def _usage(body: Body, *, thoughts: bool) -> Body:
    usage = body["usageMetadata"]
    thought = usage.get("thoughtsTokenCount", 0) if thoughts else 0
    return usage_row(prompt=usage["promptTokenCount"], thoughts=thought)


def _with_fields(text: str, **changes: Any) -> str:
    """Change fields of a JSON object by their meaning, whatever the schema calls them."""
    try:
        document = json.loads(text)
    except ValueError:
        return text
    if not isinstance(document, dict):
        return text
    named = {_name(document, meaning): value for meaning, value in changes.items()}
    return json.dumps(document | named, indent=2, ensure_ascii=False)


def _name(document: Mapping[str, Any], meaning: str) -> str:
    stem = {"reasoning": "reason", "action": "action", "confidence": "confidence"}.get(meaning)
    names = [
        key for key, value in document.items() if stem and stem in key.lower() and not isinstance(value, list)
    ]
    return names[0] if names else meaning


def _fence(text: str) -> str:
    return f"```json\n{text}\n```"


def _add_comma(text: str) -> str:
    return text.rstrip().removesuffix("}").rstrip() + ",\n}"


def _contradict(text: str, _: Body) -> str:
    says = next((action for action in ("BUY", "SELL") if f'"{action}"' in text), "HOLD")
    opposite = {"BUY": "a clear SELL", "SELL": "a clear BUY"}.get(says, "anything but HOLD")
    return _with_fields(text, reasoning=f"Every figure speaks for {opposite}.")


def _quote_wrong_price(text: str, params: Body, prompt: str) -> str:
    price = float(params.get("price") or (price_in(prompt) or 100.0) * WRONG_BY)
    return _with_fields(text, reasoning=f"The price stands at {price:.12g} KRW and momentum is clear.")


_TEXT_CORRUPTIONS: dict[str, Callable[[str, Body], str]] = {
    "truncated_json": lambda text, _: text[: len(text) // 2],
    "fenced_json": lambda text, _: _fence(text),
    "trailing_comma": lambda text, _: _add_comma(text),
    "malformed_json": lambda text, _: _fence(_add_comma(text)),
    "prose_around_json": lambda text, _: f"Here is my decision:\n{text}\nLet me know if you need more.",
    "wrong_types": lambda text, _: _with_fields(text, action=1, confidence="high"),
    "extra_keys": lambda text, _: _with_fields(text, size_krw=1000000),
    "nan_confidence": lambda text, _: _with_fields(text, confidence=float("nan")),
    "confidence_out_of_range": lambda text, params: _with_fields(
        text, confidence=float(params.get("confidence", 1e9))
    ),
    "unknown_action": lambda text, params: _with_fields(text, action=params.get("action", "SHORT")),
    "contradictory_answer": _contradict,
}
