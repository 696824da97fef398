"""Rule-based decision where Gemini has no answer: a vote of the indicators, the same for the same snapshot.

An error must never turn into a HOLD, so the rule looks at the market, not at the error.
"""

from __future__ import annotations

from dataclasses import dataclass

from common.events import Action
from signaler.domain.answer import Answer
from signaler.domain.market.snapshot import Snapshot

OVERSOLD = 30.0
OVERBOUGHT = 70.0
# Two of five voices more on one side than on the other; fewer is no direction.
DECISIVE_SHARE = 0.3


@dataclass(frozen=True)
class Vote:
    """One indicator's opinion: +1 buy, -1 sell, 0 neither; `says` is half a sentence."""

    direction: int
    says: str


def rule_answer(snapshot: Snapshot) -> Answer:
    """Return the rule's decision; confidence is 0.5 for a tie of voices up to 1 when all agree."""
    votes = collect_votes(snapshot)
    balance = sum(vote.direction for vote in votes)
    share = balance / len(votes) if votes else 0.0
    action: Action = "HOLD"
    confidence = 1 - abs(share) / 2
    if abs(share) >= DECISIVE_SHARE:
        action = "BUY" if share > 0 else "SELL"
        confidence = (1 + abs(share)) / 2
    words = "; ".join(vote.says for vote in votes) or "no indicator could be computed"
    reasoning = f"Indicator vote {balance:+d} of {len(votes)}: {words}."
    return Answer(action=action, confidence=round(confidence, 4), reasoning=reasoning)


def collect_votes(snapshot: Snapshot) -> list[Vote]:
    """Return one vote for each indicator that could be computed."""
    figures = snapshot.indicators
    price = float(snapshot.price)
    votes = [
        _momentum(figures.rsi_14),
        # The histogram is how far the MACD is above its signal line.
        _order(figures.macd_histogram, 0.0, "MACD", "its signal line", equal="is on"),
        _band(price, figures.bollinger_lower, figures.bollinger_upper),
        _order(figures.ema_9, figures.ema_21, "EMA 9", "EMA 21"),
        _order(figures.ema_21, figures.ema_50, "EMA 21", "EMA 50"),
    ]
    return [vote for vote in votes if vote is not None]


def _momentum(rsi: float | None) -> Vote | None:
    if rsi is None:
        return None
    if rsi < OVERSOLD:
        return Vote(+1, f"RSI {rsi:.1f} is oversold")
    if rsi > OVERBOUGHT:
        return Vote(-1, f"RSI {rsi:.1f} is overbought")
    return Vote(0, f"RSI {rsi:.1f} is neutral")


def _band(price: float, lower: float | None, upper: float | None) -> Vote | None:
    if lower is None or upper is None:
        return None
    if price < lower:
        return Vote(+1, "the price is below the lower Bollinger band")
    if price > upper:
        return Vote(-1, "the price is above the upper Bollinger band")
    return Vote(0, "the price is inside the Bollinger bands")


def _order(
    fast: float | None, slow: float | None, fast_name: str, slow_name: str, *, equal: str = "equals"
) -> Vote | None:
    if fast is None or slow is None:
        return None
    if fast == slow:
        return Vote(0, f"{fast_name} {equal} {slow_name}")
    direction, side = (+1, "above") if fast > slow else (-1, "below")
    return Vote(direction, f"{fast_name} is {side} {slow_name}")
