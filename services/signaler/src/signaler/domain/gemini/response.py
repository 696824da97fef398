"""Parser of generateContent responses; the stored text gives the same answer again.

Source: reference of generateContent; cases recorded or reported are in the examples.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from signaler.domain.gemini.errors import AnswerRefusedError
from signaler.domain.gemini.strict_json import InvalidJsonError, parse_json


@dataclass(frozen=True)
class Usage:
    """What a response says it used; None where it does not say. Thoughts are billed as output."""

    model_served: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


class _Part(BaseModel):
    text: str | None = None
    thought: bool = False


class _Content(BaseModel):
    parts: list[_Part] = Field(default_factory=list)


class _Candidate(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    content: _Content = Field(default_factory=_Content)
    finish_reason: str | None = Field(default=None, alias="finishReason")

    @property
    def text(self) -> str:
        return "".join(part.text or "" for part in self.content.parts if not part.thought)


class _PromptFeedback(BaseModel):
    block_reason: str | None = Field(default=None, alias="blockReason")


class _Response(BaseModel):
    candidates: list[_Candidate] = Field(default_factory=list)
    prompt_feedback: _PromptFeedback = Field(default_factory=_PromptFeedback, alias="promptFeedback")


def read_answer_text(body: str) -> str:
    """Return the text of the one finished candidate in a generateContent response body.

    Raises:
        AnswerRefusedError: The body is no such response, the prompt was blocked, or the candidate did not
            end with STOP and a text.
    """
    try:
        response = _Response.model_validate(parse_json(body))
    except InvalidJsonError as error:
        raise AnswerRefusedError(f"the response is not JSON ({error})") from error
    except ValidationError as error:
        raise AnswerRefusedError(f"the response has another shape ({_places(error)})") from error
    if not response.candidates:
        blocked = response.prompt_feedback.block_reason
        raise AnswerRefusedError(f"no candidate came back, block reason {blocked or 'not given'}")
    candidate = response.candidates[0]
    if candidate.finish_reason != "STOP":
        raise AnswerRefusedError(
            f"it ended with {candidate.finish_reason or 'no finish reason'}, not with STOP"
        )
    if not candidate.text.strip():
        raise AnswerRefusedError("it ended with STOP but has no text")
    return candidate.text


def partial_text(body: str) -> str:
    """Return whatever text a response body holds, finished or not; empty when there is none."""
    try:
        response = _Response.model_validate(parse_json(body))
    except (InvalidJsonError, ValidationError):
        return ""
    return response.candidates[0].text if response.candidates else ""


def read_usage(body: str) -> Usage:
    """Return the model that answered and the tokens; a missing or odd count is None, never an error."""
    try:
        document = parse_json(body)
    except InvalidJsonError:
        return Usage()
    if not isinstance(document, dict):
        return Usage()
    metadata = document.get("usageMetadata")
    counts = metadata if isinstance(metadata, dict) else {}
    answered = _count(counts.get("candidatesTokenCount"))
    thought = _count(counts.get("thoughtsTokenCount"))
    output = (answered or 0) + (thought or 0) if answered is not None or thought is not None else None
    served = document.get("modelVersion")
    return Usage(
        model_served=served.removeprefix("models/") if isinstance(served, str) else None,
        input_tokens=_count(counts.get("promptTokenCount")),
        output_tokens=output,
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None


def _places(error: ValidationError) -> str:
    return ", ".join(".".join(str(part) for part in detail["loc"]) or "body" for detail in error.errors()[:3])
