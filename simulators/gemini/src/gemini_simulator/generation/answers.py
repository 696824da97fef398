"""Generated answers: text that fits what was asked for, in the body of generateContent or in a stream."""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from gemini_simulator.api.requests import GenerateRequest
from gemini_simulator.generation.decision import Opinion
from gemini_simulator.generation.schema_instances import InstanceGenerator

CHARACTERS_A_TOKEN = 4
STREAM_CHUNKS = 3
# What JSON looks like where no schema was given.
_DECISION = {
    "properties": {"action": {}, "confidence": {"type": "number"}, "reasoning": {}},
}

Body = dict[str, Any]


def answer_text(opinion: Opinion, asked: GenerateRequest) -> str:
    """Return the opinion as JSON that fits the schema, as one enum value, or as a sentence."""
    generator = InstanceGenerator(asked.schema or _DECISION, opinion)
    if asked.mime_type == "text/x.enum":
        return str(generator.instance_of(generator.root))
    if asked.schema is None and asked.mime_type != "application/json":
        return f"{opinion.action} (confidence {opinion.confidence}). {opinion.reasoning}"
    return json.dumps(generator.instance_of(generator.root), indent=2, ensure_ascii=False)


def tokens_of(text: str) -> int:
    """Return about how many tokens a text has: one for every four characters, at least one."""
    return max(1, len(text) // CHARACTERS_A_TOKEN)


def usage_row(*, prompt: int, answer: int = 0, thoughts: int = 0) -> Body:
    """Return `usageMetadata`; total = prompt + candidates + thoughts, a count of zero is left out."""
    row: Body = {"promptTokenCount": prompt}
    if answer:
        row["candidatesTokenCount"] = answer
    row["totalTokenCount"] = prompt + answer + thoughts
    row["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": prompt}]
    if thoughts:
        row["thoughtsTokenCount"] = thoughts
    return row | {"serviceTier": "standard"}


def generate_body(asked: GenerateRequest, opinion: Opinion, *, model: str, repetition: int) -> Body:
    """Return the body of a good answer; MAX_TOKENS where thoughts and text are longer than was allowed.

    Args:
        repetition: How often this prompt was answered before.
    """
    text = answer_text(opinion, asked)
    thoughts = asked.thought_tokens
    finish, room = "STOP", asked.max_output_tokens
    if room is not None and room < thoughts + tokens_of(text):
        thoughts = min(thoughts, room)
        finish, text = "MAX_TOKENS", text[: (room - thoughts) * CHARACTERS_A_TOKEN]
    parts: list[Body] = [{"text": text, "thoughtSignature": signature(text)}] if text else []
    if asked.include_thoughts and parts:
        parts.insert(0, {"text": "**Weighing the figures**\n\nTrend against momentum...", "thought": True})
    content = ({"parts": parts} if parts else {}) | {"role": "model"}
    return {
        "candidates": [{"content": content, "finishReason": finish, "index": 0}],
        "usageMetadata": usage_row(
            prompt=tokens_of(asked.text + asked.system_text),
            answer=tokens_of(text) if text else 0,
            thoughts=thoughts,
        ),
        "modelVersion": model,
        "responseId": response_id(asked.text, repetition),
    }


def response_id(prompt: str, repetition: int) -> str:
    """Return the 22-character id of one answer to this prompt."""
    digest = hashlib.sha256(f"{repetition} {prompt}".encode(errors="replace")).digest()
    return base64.urlsafe_b64encode(digest[:17]).decode()[:22]


def signature(text: str) -> str:
    """Return a thought signature: valid base64, meaningless."""
    return base64.b64encode(hashlib.sha512(text.encode(errors="replace")).digest() * 2).decode()


def stream_chunks(body: Body) -> list[Body]:
    """Return the answer in pieces, split anywhere; usage grows, finishReason stands only in the last."""
    candidates = body.get("candidates") or [{}]
    parts = candidates[0].get("content", {}).get("parts")
    if not parts:
        return [body]
    pieces = list(_pieces(parts))
    usage = body.get("usageMetadata")
    chunks = []
    for number, piece in enumerate(pieces, start=1):
        candidate = dict(candidates[0], content={"parts": [piece], "role": "model"})
        if number < len(pieces):
            candidate.pop("finishReason", None)
        chunk = {**body, "candidates": [candidate]}
        if usage:
            chunk["usageMetadata"] = _grown(usage, number / len(pieces))
        chunks.append(chunk)
    return chunks


def _pieces(parts: list[Body]) -> Iterator[Body]:
    yield from parts[:-1]
    text = parts[-1]["text"]
    size = max(1, -(-len(text) // STREAM_CHUNKS))
    for start in range(0, len(text), size):
        yield {"text": text[start : start + size]}


def _grown(usage: Body, share: float) -> Body:
    grown = usage_row(
        prompt=usage["promptTokenCount"],
        answer=int(usage.get("candidatesTokenCount", 0) * share),
        thoughts=usage.get("thoughtsTokenCount", 0),
    )
    return {key: value for key, value in grown.items() if key in usage}
