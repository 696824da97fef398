"""Who decides on a snapshot, Gemini or the rule, and why the rule?

Trouble with the budget, the provider or the answer makes the rule speak. Trouble with PostgreSQL does not: it
is raised, and the message comes again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import structlog

from common.clock import utc_now
from common.config_store import (
    GEMINI_DAILY_COST_BUDGET_USD,
    GEMINI_DAILY_REQUEST_BUDGET,
    GEMINI_FALLBACK_MODELS,
    GEMINI_MODEL,
    GEMINI_TIMEOUT_SECONDS,
    ConfigRepository,
)
from common.retry import Dependency, with_retry
from signaler.domain.answer import Answer, validate_answer
from signaler.domain.errors import (
    AnswerRefusedError,
    GeminiError,
    ModelGoneError,
    NotAskedError,
    QuotaExhaustedError,
    RateLimitedError,
    UnavailableError,
)
from signaler.domain.exchange import Exchange, Transcript
from signaler.domain.gemini_state import GeminiState
from signaler.domain.prompt import Turn, first_request, repair_request
from signaler.domain.quota_day import quota_day
from signaler.domain.reply import partial_text, read_answer_text
from signaler.domain.rule import rule_answer
from signaler.domain.snapshot import Snapshot
from signaler.gemini import Gemini
from signaler.repository import UsageRepository

MAX_DECISION_SECONDS = 90.0


@dataclass(frozen=True)
class Decision:
    """What was decided, by whom, and everything that was said on the way.

    Attributes:
        failure: Why the rule decided; None where Gemini did.
    """

    answer: Answer
    failure: GeminiError | None
    transcript: Transcript


@dataclass(frozen=True)
class _Settings:
    models: tuple[str, ...]
    timeout_seconds: float
    request_budget: int
    cost_budget_usd: Decimal


def decision_seconds(interval_minutes: int) -> float:
    """Return how long a decision may take: 90 s, or half an interval if that is shorter."""
    return min(MAX_DECISION_SECONDS, interval_minutes * 60 / 2)


class Decider:
    """Asks the configured models in order, within budget and time, and falls back to the rule.

    Args:
        gemini: None when there is no key.
    """

    def __init__(
        self,
        gemini: Gemini | None,
        usage: UsageRepository,
        config: ConfigRepository,
        state: GeminiState,
    ) -> None:
        self._gemini = gemini
        self._usage = usage
        self._config = config
        self._state = state
        self._dependency = Dependency("gemini")
        self._log = structlog.get_logger("signaler.decisions")

    async def decide(self, snapshot: Snapshot, *, within_seconds: float) -> Decision:
        """Return a decision, always; TransientError only while PostgreSQL is away."""
        transcript = Transcript()
        try:
            answer = await self._within(snapshot, transcript, within_seconds)
        except GeminiError as error:
            self._state.decision_error = f"{error.cause}: {error}"
            return Decision(rule_answer(snapshot), error, transcript)
        self._state.decision_error = None
        return Decision(answer, None, transcript)

    async def _within(self, snapshot: Snapshot, transcript: Transcript, within_seconds: float) -> Answer:
        if self._gemini is None:
            raise NotAskedError("GEMINI_API_KEY is not set", cause="no_key")
        asking = _Asking(
            self._gemini,
            self._usage,
            await self._settings(),
            transcript,
            deadline=time.monotonic() + within_seconds,
            dependency=self._dependency,
        )
        try:
            async with asyncio.timeout(within_seconds):
                return await asking.ask(snapshot)
        except TimeoutError as error:
            last = transcript.last
            said = f", the last try: {last.failure}" if last and last.failure else ""
            raise NotAskedError(f"no time is left{said}", cause="out_of_time") from error

    async def _settings(self) -> _Settings:
        first = await self._config.get(GEMINI_MODEL)
        return _Settings(
            models=tuple(dict.fromkeys([first, *await self._config.get(GEMINI_FALLBACK_MODELS)])),
            timeout_seconds=await self._config.get(GEMINI_TIMEOUT_SECONDS),
            request_budget=await self._config.get(GEMINI_DAILY_REQUEST_BUDGET),
            cost_budget_usd=await self._config.get(GEMINI_DAILY_COST_BUDGET_USD),
        )


class _Asking:
    """One decision's way through models, tries and the repair attempt."""

    def __init__(
        self,
        gemini: Gemini,
        usage: UsageRepository,
        settings: _Settings,
        transcript: Transcript,
        *,
        deadline: float,
        dependency: Dependency,
    ) -> None:
        self._gemini = gemini
        self._usage = usage
        self._settings = settings
        self._transcript = transcript
        self._deadline = deadline
        retry = with_retry(exceptions=(UnavailableError, RateLimitedError), dependency=dependency)
        self._try = retry(self._try_once)

    async def ask(self, snapshot: Snapshot) -> Answer:
        """Return the first model's answer that can be had; the first model's trouble where none can."""
        troubles: list[GeminiError] = []
        for model in self._settings.models:
            try:
                return await self._ask_model(model, snapshot)
            except GeminiError as error:
                if not _next_model_may_answer(error):
                    raise
                troubles.append(error)
        raise troubles[0]

    async def _ask_model(self, model: str, snapshot: Snapshot) -> Answer:
        body = await self._try(model, first_request(snapshot))
        try:
            return validate_answer(read_answer_text(body), snapshot)
        except AnswerRefusedError as refused:
            turns = repair_request(snapshot, partial_text(body), refused.reason)
        repaired = await self._try(model, turns)
        return validate_answer(read_answer_text(repaired), snapshot)

    async def _try_once(self, model: str, turns: Sequence[Turn]) -> str:
        """Make one HTTP attempt, counted before it is made, and return the response body."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise NotAskedError("no time is left", cause="out_of_time")
        now = utc_now()
        day = quota_day(now)
        if not await self._usage.count_request(
            day,
            model,
            request_budget=self._settings.request_budget,
            cost_budget_usd=self._settings.cost_budget_usd,
            now=now,
        ):
            raise await self._why_not(model)
        exchange = await self._gemini.generate(
            model, turns, timeout_seconds=min(self._settings.timeout_seconds, left)
        )
        self._transcript.exchanges.append(exchange)
        if (cost := exchange.cost_usd(day)) is not None:
            await self._usage.add_cost(day, model, cost)
        if exchange.failure:
            raise await self._consequence(exchange, exchange.failure)
        return exchange.response_text or ""

    async def _consequence(self, exchange: Exchange, failure: GeminiError) -> GeminiError:
        """Return what to raise for a failed attempt, after noting a model that is done for the day."""
        if isinstance(failure, QuotaExhaustedError):
            models = list(self._settings.models) if failure.whole_project else [exchange.model]
            await self._usage.block(quota_day(utc_now()), models, failure.blocked_until)
        if (
            isinstance(failure, RateLimitedError | UnavailableError)
            and failure.retry_after_seconds is not None
        ):
            left = self._deadline - time.monotonic()
            if failure.retry_after_seconds >= left:
                return NotAskedError(
                    f"{failure}; it asks for {failure.retry_after_seconds:.0f} s, {max(left, 0):.0f} s are left",
                    cause="out_of_time",
                )
        return failure

    async def _why_not(self, model: str) -> NotAskedError:
        now = utc_now()
        used = await self._usage.usage(quota_day(now), model)
        if used.cost_usd_of_day >= self._settings.cost_budget_usd:
            budget = self._settings.cost_budget_usd
            text = f"{used.cost_usd_of_day:f} USD of {budget:f} USD a day are spent"
            return NotAskedError(text, cause="budget_spent")
        if used.blocked_until and used.blocked_until > now:
            text = f"{model} is blocked until {used.blocked_until:%Y-%m-%dT%H:%M:%SZ}"
            return NotAskedError(text, cause="blocked", this_model_only=True)
        text = f"{model}: {used.requests} of {self._settings.request_budget} requests a day are made"
        return NotAskedError(text, cause="budget_spent", this_model_only=True)


def _next_model_may_answer(error: GeminiError) -> bool:
    if isinstance(error, QuotaExhaustedError):
        return not error.whole_project
    return isinstance(error, ModelGoneError) or (isinstance(error, NotAskedError) and error.this_model_only)
