"""How does an answer look: text that fits the asked schema, around it the body of generateContent."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from gemini_simulator.decision import Opinion

MAX_DEPTH = 8


def answer_text(opinion: Opinion, schema: Mapping[str, Any] | None) -> str:
    """Return the opinion as JSON that fits `schema`, or as a sentence where none is asked for."""
    if schema is None:
        return f"{opinion.action} (confidence {opinion.confidence}). {opinion.reasoning}"
    return json.dumps(_instance(schema, opinion, name="", depth=0), indent=2, ensure_ascii=False)


def _instance(schema: Mapping[str, Any], opinion: Opinion, *, name: str, depth: int) -> Any:
    """Return a valid instance; the fields of a decision get its values, any other a plain one."""
    if depth > MAX_DEPTH:
        return None
    kind = str(schema.get("type", "")).lower()
    options = schema.get("enum")
    if isinstance(options, list) and options:
        return opinion.action if opinion.action in options else options[0]
    if kind == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        return {key: _instance(sub, opinion, name=key, depth=depth + 1) for key, sub in properties.items()}
    if kind == "array":
        return [_instance(schema.get("items", {}), opinion, name=name, depth=depth + 1)]
    if kind in ("number", "integer"):
        value = opinion.confidence if "confidence" in name.lower() else float(schema.get("minimum", 0))
        return int(value) if kind == "integer" else value
    if kind == "boolean":
        return False
    if kind == "null":
        return None
    return opinion.action if name.lower() in ("action", "decision", "signal") else opinion.reasoning


def tokens_of(text: str) -> int:
    """Return about how many tokens a text has: one for every four characters, at least one."""
    return max(1, len(text) // 4)


def usage_row(prompt: str, answer: str, thoughts: int) -> dict[str, Any]:
    """Return `usageMetadata`; total = prompt + candidates + thoughts."""
    asked, answered = tokens_of(prompt), tokens_of(answer) if answer else 0
    row: dict[str, Any] = {"promptTokenCount": asked}
    if answered:
        row["candidatesTokenCount"] = answered
    row["totalTokenCount"] = asked + answered + thoughts
    row["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": asked}]
    if thoughts:
        row["thoughtsTokenCount"] = thoughts
    row["serviceTier"] = "standard"
    return row


def response_id(prompt: str) -> str:
    """Return the 22-character id of the answer to this prompt."""
    return base64.urlsafe_b64encode(hashlib.sha256(prompt.encode()).digest()[:17]).decode()[:22]


def signature(text: str) -> str:
    """Return a thought signature: valid base64, meaningless."""
    return base64.b64encode(hashlib.sha512(text.encode()).digest() * 2).decode()


def generate_body(
    *, prompt: str, text: str, model: str, include_thoughts: bool = False, finish: str = "STOP"
) -> dict[str, Any]:
    """Return the body of a good answer."""
    parts: list[dict[str, Any]] = [{"text": text, "thoughtSignature": signature(text)}]
    if include_thoughts:
        parts.insert(0, {"text": "Weighing trend against momentum.", "thought": True})
    thoughts = 100 + len(prompt) % 100
    return {
        "candidates": [{"content": {"parts": parts, "role": "model"}, "finishReason": finish, "index": 0}],
        "usageMetadata": usage_row(prompt, text, thoughts),
        "modelVersion": model,
        "responseId": response_id(prompt),
    }
