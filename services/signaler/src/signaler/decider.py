"""Decision on a snapshot: Gemini's, or the rule's where budget, provider or answer fail.

A failure of PostgreSQL is no reason for the rule: it is raised, and the message comes again.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from common.config.keys import (
    GEMINI_DAILY_COST_BUDGET_USD,
    GEMINI_DAILY_REQUEST_BUDGET,
    GEMINI_FALLBACK_MODELS,
    GEMINI_MODEL,
    GEMINI_TIMEOUT_SECONDS,
)
from common.config.repository import ConfigRepository
from common.retry import CircuitBreaker
from signaler.domain.answer import Answer
from signaler.domain.gemini.errors import GeminiError, NotAskedError
from signaler.domain.gemini.status import GeminiStatus
from signaler.domain.gemini.transcript import Transcript
from signaler.domain.market.snapshot import Snapshot
from signaler.domain.rule import rule_answer
from signaler.gemini import Gemini
from signaler.gemini_session import GeminiLimits, GeminiSession
from signaler.usage_repository import UsageRepository

MAX_DECISION_SECONDS = 90.0
# A call ends this long before the decision must, so that its cost is still recorded.
RECORDING_SECONDS = 0.5


@dataclass(frozen=True)
class Decision:
    """What was decided, by whom, and every attempt on the way.

    Attributes:
        failure: Why the rule decided; None where Gemini did.
    """

    answer: Answer
    failure: GeminiError | None
    transcript: Transcript


def decision_seconds(interval_minutes: int) -> float:
    """Return how long a decision may take: 90 s, or half an interval if that is shorter."""
    return min(MAX_DECISION_SECONDS, interval_minutes * 60 / 2)


class Decider:
    """Asks the configured models in order, within budget and time, and falls back to the rule.

    Without a key there is no Gemini to ask.
    """

    def __init__(
        self, gemini: Gemini | None, usage: UsageRepository, config: ConfigRepository, status: GeminiStatus
    ) -> None:
        self._gemini = gemini
        self._usage = usage
        self._config = config
        self._status = status
        self._breaker = CircuitBreaker("gemini")

    async def decide(self, snapshot: Snapshot, *, within_seconds: float) -> Decision:
        """Return a decision, always; TransientError only while PostgreSQL is away."""
        transcript = Transcript()
        try:
            answer = await self._ask_gemini(snapshot, transcript, within_seconds)
        except GeminiError as error:
            self._status.decision_error = f"{error.cause}: {error}"
            return Decision(rule_answer(snapshot), error, transcript)
        self._status.decision_error = None
        return Decision(answer, None, transcript)

    async def _ask_gemini(self, snapshot: Snapshot, transcript: Transcript, within_seconds: float) -> Answer:
        if self._gemini is None:
            raise NotAskedError("GEMINI_API_KEY is not set", cause="no_key")
        session = GeminiSession(
            self._gemini,
            self._usage,
            await self._limits(),
            transcript,
            deadline=time.monotonic() + within_seconds - RECORDING_SECONDS,
            breaker=self._breaker,
        )
        try:
            async with asyncio.timeout(within_seconds):
                return await session.ask(snapshot)
        except TimeoutError as error:
            last = transcript.last.failure if transcript.last else None
            cause = last.cause if last else "out_of_time"
            raise NotAskedError(f"no time is left; {last or 'nothing was answered'}", cause=cause) from error

    async def _limits(self) -> GeminiLimits:
        first = await self._config.get(GEMINI_MODEL)
        return GeminiLimits(
            models=tuple(dict.fromkeys([first, *await self._config.get(GEMINI_FALLBACK_MODELS)])),
            timeout_seconds=await self._config.get(GEMINI_TIMEOUT_SECONDS),
            request_budget=await self._config.get(GEMINI_DAILY_REQUEST_BUDGET),
            cost_budget_usd=await self._config.get(GEMINI_DAILY_COST_BUDGET_USD),
        )
