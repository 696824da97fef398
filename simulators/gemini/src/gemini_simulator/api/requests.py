"""Parser of generateContent and countTokens bodies, which refuses what the service refuses. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gemini_simulator.api.errors import ApiError, bad_request, unknown_name
from gemini_simulator.api.proto_json import camel_case, number_of, snake_case, whole_number_of
from gemini_simulator.api.schemas import schema_of

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
# What is known of single models; the others take every level.
_LEVELS_OF = {
    "gemini-3.8-flash": ("low", "medium", "high"),
    "gemini-4-hydrogen": ("low", "medium", "high", "xhigh"),
}


@dataclass(frozen=True)
class GenerateRequest:
    """What the simulator needs of a request.

    Attributes:
        text: All that was said so far, by all roles.
        user_turns: What the user said, oldest first.
        schema: None where none is asked for.
    """

    text: str
    user_turns: tuple[str, ...] = ()
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
    turns = _turns(document, "GenerateContentRequest")
    conversation = "\n".join(text for _, text in turns)
    config |= _numbers(config)
    thinking = _thinking(config, model)
    return GenerateRequest(
        text=conversation,
        user_turns=tuple(text for role, text in turns if role == "user"),
        system_text=_text(document.get("systemInstruction") or {}, "system_instruction"),
        mime_type=str(config.get("responseMimeType") or "text/plain"),
        schema=schema_of(config),
        include_thoughts=bool(thinking.get("includeThoughts")),
        thought_tokens=_thought_tokens(thinking, conversation),
        max_output_tokens=config.get("maxOutputTokens"),
    )


def parse_count(body: bytes) -> str:
    """Return the text whose tokens are counted."""
    document = _fields(_json(body), _COUNT, "")
    if "generateContentRequest" in document:
        document = _fields(document["generateContentRequest"], _TOP, "generate_content_request")
    text = "\n".join(said for _, said in _turns(document, "CountTokensRequest"))
    return text + _text(document.get("systemInstruction") or {}, "system_instruction")


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
        spelled = camel_case(name)
        if spelled not in known:
            raise unknown_name(name, path)
        # In proto JSON null is the same as no field.
        if value is not None:
            fields[spelled] = value
    return fields


def _turns(document: Mapping[str, Any], message: str) -> list[tuple[str, str]]:
    """Return role and text of each content, oldest first; without a role it is the user's."""
    contents = document.get("contents")
    if not isinstance(contents, list) or not contents:
        raise bad_request("contents", f"* {message}.contents: contents is not specified\n")
    turns = []
    for index, content in enumerate(contents):
        path = f"contents[{index}]"
        text = _text(content, path)
        if not content.get("parts"):
            empty = f"* {message}.{path}.parts: contents.parts must not be empty.\n"
            raise bad_request(f"{path}.parts", empty)
        turns.append((content.get("role") or "user", text))
    return turns


def _text(content: object, path: str) -> str:
    fields = _fields(content, _CONTENT, path)
    if fields.get("role") not in _ROLES:
        raise bad_request(path, "Please use a valid role: user, model.")
    parts = fields.get("parts") or []
    rows = parts if isinstance(parts, list) else [parts]
    known = [_fields(part, _PART, f"{path}.parts[{index}]") for index, part in enumerate(rows)]
    return "\n".join(str(part["text"]) for part in known if "text" in part)


def _numbers(config: Mapping[str, Any]) -> dict[str, float]:
    """Return the numeric settings as numbers, whole ones as int."""
    numbers = {}
    for name, kind, lowest, highest in (
        ("temperature", "TYPE_FLOAT", 0, 2),
        ("topP", "TYPE_FLOAT", 0, 1),
        ("maxOutputTokens", "TYPE_INT32", 1, 2**31 - 1),
        ("candidateCount", "TYPE_INT32", 1, 8),
    ):
        if name not in config:
            continue
        path = f"generation_config.{snake_case(name)}"
        value = number_of(config[name]) if kind == "TYPE_FLOAT" else whole_number_of(config[name])
        if value is None:
            raise bad_request(path, f"Invalid value at '{path}' ({kind}), {json.dumps(config[name])[:80]}")
        if not lowest <= value <= highest:
            text = f"{snake_case(name)} must be in the range [{lowest}, {highest}], but was {value}"
            raise bad_request(path, text)
        numbers[name] = value
    return numbers


def _thinking(config: Mapping[str, Any], model: str) -> dict[str, Any]:
    """Return the fields of thinkingConfig, the budget as a number."""
    path = "generation_config.thinking_config"
    thinking = _fields(config.get("thinkingConfig") or {}, _THINKING, path)
    if "thinkingLevel" in thinking and "thinkingBudget" in thinking:
        raise bad_request(path, "You can only set only one of thinking budget and thinking level.")
    level = str(thinking.get("thinkingLevel", "medium")).lower()
    if level not in _LEVELS:
        raise bad_request(
            f"{path}.thinking_level", f"Invalid value at '{path}.thinking_level': \"{level[:80]}\""
        )
    if level not in _LEVELS_OF.get(model, _LEVELS):
        raise ApiError(
            400, "INVALID_ARGUMENT", f"Thinking level {level.upper()} is not supported for {model}."
        )
    budget = whole_number_of(thinking.get("thinkingBudget", -1))
    if budget is None:
        raise bad_request(
            f"{path}.thinking_budget", f"Invalid value at '{path}.thinking_budget' (TYPE_INT32)"
        )
    return thinking | {"thinkingBudget": budget}


def _thought_tokens(thinking: Mapping[str, Any], text: str) -> int:
    """Return how long the model thinks; -1 as a budget leaves it to the model."""
    wanted = _LEVELS[str(thinking.get("thinkingLevel", "medium")).lower()]
    wanted += len(text) % 100 if wanted else 0
    budget: int = thinking["thinkingBudget"]
    return min(wanted, budget) if budget >= 0 else wanted
