"""Trading decision from the figures in a prompt. Pure: the same prompt gets the same opinion."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_LOOSE_RSI = re.compile(
    r"\brsi\w*(?:\s*\(?\s*14\s*\)?)?[\"'\s:=]+(?:is\s+)?(\d{1,3}(?:\.\d+)?)", re.IGNORECASE
)
_DECODER = json.JSONDecoder()
MAX_OBJECTS = 200
UNSURE = 0.2
_LEANS = {"BUY": "lean to the upside", "SELL": "lean to the downside", "HOLD": "do not agree"}


@dataclass(frozen=True)
class Opinion:
    """BUY, SELL or HOLD with a confidence from 0 to 1 and one sentence."""

    action: str
    confidence: float
    reasoning: str


_NO_OPINION = Opinion(
    "HOLD", UNSURE, "There are no market figures in the request, so nothing speaks for a trade."
)


def question_in(turns: Sequence[str]) -> str:
    """Return the newest of a user's turns (oldest first) that has a snapshot or a loose figure.

    The first turn where none has, empty where there are no turns.
    """
    return next((turn for turn in reversed(turns) if _snapshot_in(turn) is not None), "".join(turns[:1]))


def opinion_of(prompt: str) -> Opinion:
    """Return the opinion on the first snapshot in `prompt`; words around it do not count.

    A snapshot is a JSON object with an object `indicators`; without one a loose `rsi: 27.1` is used.
    """
    snapshot = _snapshot_in(prompt)
    return _NO_OPINION if snapshot is None else _judge(snapshot)


def other_opinion(opinion: Opinion, repetition: int) -> Opinion:
    """Return an opinion on the same figures with another action, and never that of the repetition before."""
    actions = [action for action in ("SELL", "HOLD", "BUY") if action != opinion.action]
    action = actions[repetition % len(actions)]
    reasoning = opinion.reasoning.replace(_LEANS[opinion.action], _LEANS[action])
    return Opinion(action, opinion.confidence, reasoning)


def price_in(prompt: str) -> float | None:
    """Return the price of the first snapshot in `prompt`, None where there is none."""
    return _number(next(_snapshots(prompt), {}).get("price"))


def _snapshot_in(prompt: str) -> Mapping[str, Any] | None:
    found = next(_snapshots(prompt), None)
    if found is None and (loose := _LOOSE_RSI.search(prompt)):
        return {"indicators": {"rsi_14": loose[1]}}
    return found


def _snapshots(prompt: str) -> Iterator[Mapping[str, Any]]:
    start = -1
    for _ in range(MAX_OBJECTS):
        start = prompt.find("{", start + 1)
        if start < 0:
            return
        try:
            found, _end = _DECODER.raw_decode(prompt, start)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and isinstance(found.get("indicators"), dict):
            yield found


def _judge(snapshot: Mapping[str, Any]) -> Opinion:
    indicators = snapshot["indicators"]
    kinds = list(_votes(snapshot, indicators))
    votes = [vote for vote in kinds if vote is not None]
    if not votes:
        return _NO_OPINION
    score = sum(votes) / len(votes)
    action = "BUY" if score > 0.2 else "SELL" if score < -0.2 else "HOLD"
    strength = min(1.0, abs(score) if action != "HOLD" else 1 - abs(score) * 2)
    known = len(votes) / len(kinds)
    confidence = round(UNSURE + (0.55 + 0.4 * strength - UNSURE) * known, 2)
    return Opinion(action, confidence, _reasoning(action, snapshot, score))


def _votes(snapshot: Mapping[str, Any], indicators: Mapping[str, Any]) -> Iterator[float | None]:
    """Yield one vote from -1 (sell) to 1 (buy) per kind of figure, None where it is unknown."""
    price = _number(snapshot.get("price"))
    rsi = _number(indicators.get("rsi_14"))
    yield None if rsi is None else _clamp((50 - rsi) / 25) if rsi < 35 or rsi > 65 else 0.0
    histogram, atr = _number(indicators.get("macd_histogram")), _number(indicators.get("atr_14"))
    yield None if histogram is None else _clamp(4 * histogram / atr) if atr else _sign(histogram)
    upper, lower = _number(indicators.get("bollinger_upper")), _number(indicators.get("bollinger_lower"))
    if price is None or upper is None or lower is None or upper <= lower:
        yield None
    else:
        yield _clamp(1 - 2 * (price - lower) / (upper - lower)) * 0.5
    averages = [_number(indicators.get(name)) for name in ("ema_9", "ema_21", "ema_50")]
    fast, middle, slow = averages
    if fast is None or middle is None or slow is None:
        yield None
    else:
        yield 1.0 if fast > middle > slow else -1.0 if fast < middle < slow else 0.0
    changes = snapshot.get("changes")
    hour = _number(changes.get("1h")) if isinstance(changes, dict) else None
    yield None if hour is None else _clamp(hour * 50)


def _reasoning(action: str, snapshot: Mapping[str, Any], score: float) -> str:
    rsi = _number(snapshot["indicators"].get("rsi_14"))
    figures = []
    if (price := snapshot.get("price")) is not None and _number(price) is not None:
        # As it is written there: a price with other digits would be another price.
        figures.append(f"the price is {price} KRW")
    if rsi is not None:
        figures.append(f"RSI 14 is {rsi:g}")
    known = " and ".join(figures) or "few figures are known"
    return f"{known[0].upper()}{known[1:]}; trend, momentum and volatility {_LEANS[action]}."


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _clamp(value: float) -> float:
    return max(-1.0, min(1.0, value))


def _sign(value: float) -> float:
    return float((value > 0) - (value < 0))
