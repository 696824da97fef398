"""Transcript of a decision's HTTP attempts: the texts on the wire are enough to redo it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from signaler.domain.gemini.errors import GeminiError
from signaler.domain.gemini.response import Usage, read_usage
from signaler.domain.gemini.token_prices import cost_usd


@dataclass(frozen=True)
class Attempt:
    """One HTTP attempt.

    Attributes:
        request_text: The body as sent, None when the request was never built.
        response_text: The body as received, None when none came.
        failure: Why there is no answer; None for a response with status 200.
    """

    model: str
    request_text: str | None
    response_text: str | None
    latency_ms: float
    failure: GeminiError | None

    @property
    def usage(self) -> Usage:
        """The tokens that the response reports; nothing for a failed attempt."""
        return read_usage(self.response_text) if self.response_text and not self.failure else Usage()

    def cost_usd(self, day: date) -> Decimal | None:
        """Return what it cost, None where model or tokens are unknown."""
        usage = self.usage
        served = usage.model_served or self.model
        tokens = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
        return cost_usd(served, day, **tokens) or cost_usd(self.model, day, **tokens)


@dataclass
class Transcript:
    """Every attempt of one decision, in order."""

    attempts: list[Attempt] = field(default_factory=list)

    @property
    def last(self) -> Attempt | None:
        """The attempt whose texts are stored: the one that decided, or the last that failed."""
        return self.attempts[-1] if self.attempts else None

    def tokens(self) -> tuple[int | None, int | None]:
        """Return input and output tokens of all attempts together, None where no response reports any."""
        usages = [attempt.usage for attempt in self.attempts]
        return (
            _sum([usage.input_tokens for usage in usages]),
            _sum([usage.output_tokens for usage in usages]),
        )

    def latency_ms(self) -> float | None:
        """Return the time spent in all attempts, None when there was none."""
        return round(sum(attempt.latency_ms for attempt in self.attempts), 2) if self.attempts else None

    def cost_usd(self, day: date) -> Decimal | None:
        """Return what all attempts cost, None where no cost is known."""
        costs = [cost for attempt in self.attempts if (cost := attempt.cost_usd(day)) is not None]
        return sum(costs, Decimal(0)) if costs else None


def _sum(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
