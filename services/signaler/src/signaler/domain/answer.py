"""The answer to a snapshot, and its validation where Gemini wrote it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from common.events import Action
from signaler.domain.gemini.errors import AnswerRefusedError
from signaler.domain.gemini.strict_json import InvalidJsonError, parse_json
from signaler.domain.market.snapshot import Snapshot
from signaler.domain.price_check import wrong_prices

MAX_REASONING_CHARACTERS = 2000


def _written(text: str) -> str:
    if not text.strip() or "\0" in text:
        raise ValueError("must be text")
    return text.strip()


class Answer(BaseModel):
    """A decision and why; nothing else may stand beside these three."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    action: Action
    confidence: float = Field(ge=0, le=1, allow_inf_nan=False)
    reasoning: Annotated[str, Field(max_length=MAX_REASONING_CHARACTERS), AfterValidator(_written)]


def validate_answer(text: str, snapshot: Snapshot) -> Answer:
    """Return the decision in `text`, which must be one bare JSON object.

    Raises:
        AnswerRefusedError: Fences or prose around the JSON, a missing, extra or wrong value, or a price in
            the reasoning that is more than 0.5 % off everything in the snapshot.
    """
    try:
        answer = Answer.model_validate(parse_json(text))
    except InvalidJsonError as error:
        raise AnswerRefusedError(f"the text is not one JSON object ({error})") from error
    except ValidationError as error:
        raise AnswerRefusedError(_sentence(error)) from error
    if wrong := wrong_prices(answer.reasoning, snapshot):
        named = ", ".join(f"{price:,.10g}" for price in wrong[:3])
        raise AnswerRefusedError(f"the reasoning names {named} KRW, which is not in the snapshot")
    return answer


def apply_minimum(answer: Answer, minimum_confidence: float) -> Answer:
    """Return the answer, a BUY or SELL that is less sure than the minimum as HOLD; the reasoning says so."""
    if answer.action == "HOLD" or answer.confidence >= minimum_confidence:
        return answer
    kept = (
        f"{answer.action} at {answer.confidence:g} is below the minimum {minimum_confidence:g}, kept as HOLD"
    )
    return answer.model_copy(update={"action": "HOLD", "reasoning": f"{kept}: {answer.reasoning}"})


def _sentence(error: ValidationError) -> str:
    details = error.errors(include_input=False, include_url=False, include_context=False)[:3]
    # An extra key is the model's own text: it is not repeated.
    return "; ".join(
        "a key that was not asked for"
        if detail["type"] == "extra_forbidden"
        else f"{'.'.join(str(part) for part in detail['loc']) or 'the text'}: {detail['msg']}"
        for detail in details
    )
