"""What is in a generateContent body, and what is wrong with it? camelCase and snake_case are one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gemini_simulator.errors import ApiError, bad_request, unknown_name

_TOP = {
    "contents", "systemInstruction", "safetySettings", "generationConfig", "tools", "toolConfig",
    "cachedContent", "serviceTier", "model", "labels", "store",
}  # fmt: skip
_CONFIG = {
    "temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "stopSequences", "seed",
    "responseMimeType", "responseSchema", "responseJsonSchema", "responseModalities", "thinkingConfig",
    "presencePenalty", "frequencyPenalty", "responseLogprobs", "logprobs", "speechConfig", "mediaResolution",
    "enableEnhancedCivicAnswers", "imageConfig", "_responseJsonSchema",
}  # fmt: skip
_THINKING = {"thinkingLevel", "thinkingBudget", "includeThoughts"}
_CONTENT = {"parts", "role"}


@dataclass(frozen=True)
class GenerateRequest:
    """What the simulator needs of a request; `schema` is None where plain text is asked for."""

    text: str
    schema: Mapping[str, Any] | None
    include_thoughts: bool
    max_output_tokens: int | None


def parse_generate(body: bytes, *, model: str) -> GenerateRequest:
    """Return the request; ApiError as the service would answer."""
    document = _fields(_json(body), _TOP, "")
    contents = document.get("contents")
    if not isinstance(contents, list) or not contents:
        raise bad_request("contents", "* GenerateContentRequest.contents: contents is not specified\n")
    texts = [_text(content, f"contents[{index}]") for index, content in enumerate(contents)]
    config = _fields(document.get("generationConfig") or {}, _CONFIG, "generation_config")
    thinking = _fields(config.get("thinkingConfig") or {}, _THINKING, "generation_config.thinking_config")
    _check_thinking(thinking, model)
    limit = config.get("maxOutputTokens")
    return GenerateRequest(
        text="\n".join(texts),
        schema=_schema(config),
        include_thoughts=bool(thinking.get("includeThoughts")),
        max_output_tokens=limit if isinstance(limit, int) else None,
    )


def parse_count(body: bytes) -> str:
    """Return the text whose tokens are counted."""
    document = _json(body)
    inner = document.get("generateContentRequest") or document.get("generate_content_request") or document
    contents = inner.get("contents") if isinstance(inner, dict) else None
    if not isinstance(contents, list) or not contents:
        raise bad_request("contents", "* CountTokensRequest.contents: contents is not specified\n")
    return "\n".join(_text(content, "contents") for content in contents)


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
        spelled = re.sub(r"(?<!^)_([a-z])", lambda match: match[1].upper(), name)
        if spelled not in known:
            raise unknown_name(name, path)
        fields[spelled] = value
    return fields


def _text(content: object, path: str) -> str:
    parts = _fields(content, _CONTENT, path).get("parts") or []
    if isinstance(parts, dict):
        parts = [parts]
    return "\n".join(str(part["text"]) for part in parts if isinstance(part, dict) and "text" in part)


def _check_thinking(thinking: Mapping[str, Any], model: str) -> None:
    if "thinkingLevel" in thinking and "thinkingBudget" in thinking:
        raise bad_request(
            "generation_config.thinking_config",
            "You can only set only one of thinking budget and thinking level.",
        )
    level = str(thinking.get("thinkingLevel", "")).lower()
    if level and level not in ("minimal", "low", "medium", "high", "xhigh"):
        path = "generation_config.thinking_config.thinking_level"
        raise bad_request(path, f"Invalid value at '{path}': \"{level}\"")
    if level == "minimal" and model == "gemini-3.8-flash":
        raise ApiError(400, "INVALID_ARGUMENT", f"Thinking level MINIMAL is not supported for {model}.")


def _schema(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    schema, json_schema = config.get("responseSchema"), config.get("responseJsonSchema")
    if schema is None and json_schema is None:
        return None
    if schema is not None and json_schema is not None:
        raise bad_request(
            "generation_config",
            "only one of response_schema and response_json_schema may be set",
        )
    if config.get("responseMimeType") not in ("application/json", "text/x.enum"):
        raise bad_request(
            "generation_config.response_mime_type",
            "response_mime_type must be application/json where a response schema is set",
        )
    if schema is not None and "additionalProperties" in json.dumps(schema):
        raise unknown_name("additionalProperties", "generation_config.response_schema")
    found = schema if schema is not None else json_schema
    if not isinstance(found, dict):
        raise bad_request("generation_config", "the response schema must be an object")
    return found
