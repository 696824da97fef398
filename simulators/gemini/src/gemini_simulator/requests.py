"""What is in a generateContent body, and what is wrong with it? camelCase and snake_case are one. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gemini_simulator.errors import ApiError, bad_request, unknown_name
from gemini_simulator.schemas import camel, schema_of

_TOP = {
    "contents", "systemInstruction", "safetySettings", "generationConfig", "tools", "toolConfig",
    "cachedContent", "serviceTier", "model", "labels", "store", "continuationToken",
}  # fmt: skip
_COUNT = _TOP | {"generateContentRequest"}
_CONFIG = {
    "temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "stopSequences", "seed",
    "responseMimeType", "responseSchema", "responseJsonSchema", "responseModalities", "thinkingConfig",
    "presencePenalty", "frequencyPenalty", "responseLogprobs", "logprobs", "speechConfig", "mediaResolution",
    "enableEnhancedCivicAnswers", "imageConfig", "audioTranscriptionConfig",
}  # fmt: skip
_THINKING = {"thinkingLevel", "thinkingBudget", "includeThoughts"}
_CONTENT = {"parts", "role"}
_PART = {
    "text", "thought", "thoughtSignature", "inlineData", "fileData", "functionCall", "functionResponse",
    "executableCode", "codeExecutionResult", "videoMetadata", "mediaResolution", "partMetadata", "toolCall",
    "toolResponse",
}  # fmt: skip
_ROLES = (None, "", "user", "model", "function", "tool")
# Thought tokens at each level; medium is the service's own default.
_LEVELS = {"minimal": 0, "low": 100, "medium": 200, "high": 600, "xhigh": 1200}
_WITHOUT_MINIMAL = "gemini-3.8-flash"


@dataclass(frozen=True)
class GenerateRequest:
    """What the simulator needs of a request; `schema` is None where none is asked for."""

    text: str
    system_text: str = ""
    mime_type: str = "text/plain"
    schema: Mapping[str, Any] | None = None
    include_thoughts: bool = False
    thought_tokens: int = 0
    max_output_tokens: int | None = None


def parse_generate(body: bytes, *, model: str) -> GenerateRequest:
    """Return the request; ApiError as the service would answer."""
    document = _fields(_json(body), _TOP, "")
    config = _fields(document.get("generationConfig") or {}, _CONFIG, "generation_config")
    thinking = _fields(config.get("thinkingConfig") or {}, _THINKING, "generation_config.thinking_config")
    text = _contents(document, "GenerateContentRequest")
    _check_numbers(config)
    _check_thinking(thinking, model)
    return GenerateRequest(
        text=text,
        system_text=_text(document.get("systemInstruction") or {}, "system_instruction"),
        mime_type=str(config.get("responseMimeType") or "text/plain"),
        schema=schema_of(config),
        include_thoughts=bool(thinking.get("includeThoughts")),
        thought_tokens=_thought_tokens(thinking, text),
        max_output_tokens=config.get("maxOutputTokens"),
    )


def parse_count(body: bytes) -> str:
    """Return the text whose tokens are counted."""
    document = _fields(_json(body), _COUNT, "")
    if "generateContentRequest" in document:
        document = _fields(document["generateContentRequest"], _TOP, "generate_content_request")
    return _contents(document, "CountTokensRequest") + _text(
        document.get("systemInstruction") or {}, "system_instruction"
    )


def _json(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "INVALID_ARGUMENT", "Invalid JSON payload received. Unexpected token.") from error
    if not isinstance(document, dict):
        raise ApiError(400, "INVALID_ARGUMENT", "Invalid JSON payload received. Expected an object.")
    return document


def _fields(document: object, known: set[str], path: str) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise bad_request(path, f"Invalid value at '{path}', expected an object.")
    fields = {}
    for name, value in document.items():
        spelled = camel(name)
        if spelled not in known:
            raise unknown_name(name, path)
        # In proto JSON null is the same as no field.
        if value is not None:
            fields[spelled] = value
    return fields


def _contents(document: Mapping[str, Any], message: str) -> str:
    contents = document.get("contents")
    if not isinstance(contents, list) or not contents:
        raise bad_request("contents", f"* {message}.contents: contents is not specified\n")
    return "\n".join(_text(content, f"contents[{index}]") for index, content in enumerate(contents))


def _text(content: object, path: str) -> str:
    fields = _fields(content, _CONTENT, path)
    if fields.get("role") not in _ROLES:
        raise bad_request(path, "Please use a valid role: user, model.")
    parts = fields.get("parts") or []
    rows = parts if isinstance(parts, list) else [parts]
    known = [_fields(part, _PART, f"{path}.parts[{index}]") for index, part in enumerate(rows)]
    return "\n".join(str(part["text"]) for part in known if "text" in part)


def _check_numbers(config: Mapping[str, Any]) -> None:
    for name, kind, lowest, highest in (
        ("temperature", "TYPE_FLOAT", 0, 2),
        ("topP", "TYPE_FLOAT", 0, 1),
        ("maxOutputTokens", "TYPE_INT32", 1, 2**31 - 1),
        ("candidateCount", "TYPE_INT32", 1, 8),
    ):
        if name not in config:
            continue
        value = config[name]
        whole = kind == "TYPE_FLOAT" or isinstance(value, int)
        if isinstance(value, bool) or not isinstance(value, int | float) or not whole:
            path = f"generation_config.{_snake(name)}"
            raise bad_request(path, f"Invalid value at '{path}' ({kind}), {json.dumps(value)[:80]}")
        if not lowest <= value <= highest:
            text = f"{_snake(name)} must be in the range [{lowest}, {highest}], but was {value}"
            raise bad_request(f"generation_config.{_snake(name)}", text)


def _check_thinking(thinking: Mapping[str, Any], model: str) -> None:
    path = "generation_config.thinking_config"
    if "thinkingLevel" in thinking and "thinkingBudget" in thinking:
        raise bad_request(path, "You can only set only one of thinking budget and thinking level.")
    level, budget = str(thinking.get("thinkingLevel", "medium")).lower(), thinking.get("thinkingBudget", 0)
    if level not in _LEVELS:
        raise bad_request(
            f"{path}.thinking_level", f"Invalid value at '{path}.thinking_level': \"{level[:80]}\""
        )
    if level == "minimal" and model == _WITHOUT_MINIMAL:
        raise ApiError(400, "INVALID_ARGUMENT", f"Thinking level MINIMAL is not supported for {model}.")
    if not isinstance(budget, int) or isinstance(budget, bool):
        raise bad_request(
            f"{path}.thinking_budget", f"Invalid value at '{path}.thinking_budget' (TYPE_INT32)"
        )


def _thought_tokens(thinking: Mapping[str, Any], text: str) -> int:
    """Return how long the model thinks; -1 as a budget leaves it to the model."""
    wanted = _LEVELS[str(thinking.get("thinkingLevel", "medium")).lower()]
    wanted += len(text) % 100 if wanted else 0
    budget = thinking.get("thinkingBudget", -1)
    return min(wanted, budget) if budget >= 0 else wanted


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
