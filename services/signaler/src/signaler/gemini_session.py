"""One decision's requests to Gemini, within the models, the budget and the time that the settings allow."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from common.clock import utc_now
from common.gemini_quota import quota_day
from common.retry import CircuitBreaker, with_retry
from signaler.domain.answer import Answer, validate_answer
from signaler.domain.gemini.errors import (
    AnswerRefusedError,
    GeminiError,
    ModelGoneError,
    NotAskedError,
    QuotaExhaustedError,
    RateLimitedError,
    UnavailableError,
)
from signaler.domain.gemini.prompt import Turn, first_request, repair_request
from signaler.domain.gemini.response import partial_text, read_answer_text
from signaler.domain.gemini.transcript import Attempt, Transcript
from signaler.domain.market.snapshot import Snapshot
from signaler.gemini import Gemini
from signaler.usage_repository import UsageRepository


@dataclass(frozen=True)
class GeminiLimits:
    """What the settings allow: the models in order, seconds a call, requests a day and model, USD a day."""

    models: tuple[str, ...]
    timeout_seconds: int
    request_budget: int
    cost_budget_usd: Decimal


class GeminiSession:
    """Asks model after model; each is retried, and may repair a refused answer once."""

    def __init__(
        self,
        gemini: Gemini,
        usage: UsageRepository,
        limits: GeminiLimits,
        transcript: Transcript,
        *,
        deadline: float,
        breaker: CircuitBreaker,
    ) -> None:
        self._gemini = gemini
        self._usage = usage
        self._limits = limits
        self._transcript = transcript
        self._deadline = deadline
        retry = with_retry(exceptions=(UnavailableError, RateLimitedError), breaker=breaker)
        self._attempt = retry(self._attempt_once)

    async def ask(self, snapshot: Snapshot) -> Answer:
        """Return the first model's answer that can be had; the first model's error where none can."""
        errors: list[GeminiError] = []
        for model in self._limits.models:
            try:
                return await self._ask_model(model, snapshot)
            except GeminiError as error:
                if not _next_model_may_answer(error):
                    raise
                errors.append(error)
        raise errors[0]

    async def _ask_model(self, model: str, snapshot: Snapshot) -> Answer:
        body = await self._attempt(model, first_request(snapshot))
        try:
            return validate_answer(read_answer_text(body), snapshot)
        except AnswerRefusedError as refused:
            turns = repair_request(snapshot, partial_text(body), refused.reason)
        repaired = await self._attempt(model, turns)
        return validate_answer(read_answer_text(repaired), snapshot)

    async def _attempt_once(self, model: str, turns: Sequence[Turn]) -> str:
        """Make one HTTP attempt, counted before it is made, and return the response body."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise NotAskedError("no time is left", cause="out_of_time")
        now = utc_now()
        day = quota_day(now)
        if not await self._usage.count_request(
            day,
            model,
            request_budget=self._limits.request_budget,
            cost_budget_usd=self._limits.cost_budget_usd,
            now=now,
        ):
            raise await self._reason_not_to_ask(model)
        attempt = await self._gemini.generate(
            model, turns, timeout_seconds=min(self._limits.timeout_seconds, left)
        )
        self._transcript.attempts.append(attempt)
        if (cost := attempt.cost_usd(day)) is not None:
            await self._usage.add_cost(day, model, cost)
        if attempt.failure:
            raise await self._error_of(attempt, attempt.failure)
        return attempt.response_text or ""

    async def _error_of(self, attempt: Attempt, failure: GeminiError) -> GeminiError:
        """Return what to raise for a failed attempt, and record a model that is done for the day."""
        if isinstance(failure, QuotaExhaustedError):
            models = list(self._limits.models) if failure.whole_project else [attempt.model]
            await self._usage.block(quota_day(utc_now()), models, failure.blocked_until)
        if (
            isinstance(failure, RateLimitedError | UnavailableError)
            and failure.retry_after_seconds is not None
        ):
            left = self._deadline - time.monotonic()
            if failure.retry_after_seconds >= left:
                asked = f"it asks for {failure.retry_after_seconds:.0f} s, {max(left, 0):.0f} s are left"
                return NotAskedError(f"{failure}; {asked}", cause=failure.cause)
        return failure

    async def _reason_not_to_ask(self, model: str) -> NotAskedError:
        now = utc_now()
        used = await self._usage.usage(quota_day(now), model)
        if used.cost_usd_of_day >= self._limits.cost_budget_usd:
            budget = self._limits.cost_budget_usd
            text = f"{used.cost_usd_of_day:f} USD of {budget:f} USD a day are spent"
            return NotAskedError(text, cause="budget_spent")
        if used.blocked_until and used.blocked_until > now:
            text = f"{model} is blocked until {used.blocked_until:%Y-%m-%dT%H:%M:%SZ}"
            return NotAskedError(text, cause="blocked", this_model_only=True)
        text = f"{model}: {used.requests} of {self._limits.request_budget} requests a day are made"
        return NotAskedError(text, cause="budget_spent", this_model_only=True)


def _next_model_may_answer(error: GeminiError) -> bool:
    if isinstance(error, QuotaExhaustedError):
        return not error.whole_project
    return isinstance(error, ModelGoneError) or (isinstance(error, NotAskedError) and error.this_model_only)
