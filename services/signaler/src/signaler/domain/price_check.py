"""Check of the prices that a sentence names against the snapshot, so that invented ones are refused.

A number is taken for a price where a currency stands beside it, or, for markets above 1,000 KRW, where it is
at least 1,000 and a hundredth of the price and no unit follows. Below that, bare numbers are more likely an
RSI or a period. Prices in dollars are in no snapshot, so each is a wrong one.
"""

from __future__ import annotations

import math
import re

from signaler.domain.market.snapshot import Snapshot

TOLERANCE = 0.005
BARE_NUMBERS_FROM = 1000.0

_TIMES = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?|\b\d{1,2}:\d{2}(?::\d{2})?\b")
_FACTORS = {
    "": 1.0,
    "k": 1e3,
    "thousand": 1e3,
    "m": 1e6,
    "mn": 1e6,
    "million": 1e6,
    "b": 1e9,
    "bn": 1e9,
    "billion": 1e9,
    "천": 1e3,
    "만": 1e4,
    "백만": 1e6,
    "천만": 1e7,
    "억": 1e8,
}
_DIGITS = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_NUMBER = re.compile(
    rf"(?P<before>₩|KRW|￦|\$|USDT?)?\s*(?<![\d.,A-Za-z_])(?:(?P<hundred_millions>{_DIGITS})\s*억\s*)?(?P<digits>{_DIGITS})"
    r"(?:\s*(?P<factor>thousand|million|billion|mn|bn|[kmb]|백만|천만|천|만|억)(?![A-Za-z]))?"
    r"\s*(?P<after>KRW|won\b|원|₩|USDT?\b|dollars?|%|percent)?"
    r"\s*(?P<unit>(?:candles?|minutes?|mins?|hours?|days?|trades?|coins?|BTC|ETH|XRP|SOL)\b|[봉분개])?",
    re.IGNORECASE,
)


def wrong_prices(text: str, snapshot: Snapshot) -> list[float]:
    """Return the prices in `text`, KRW, that are more than 0.5 % off every figure of the snapshot."""
    known = [abs(figure) for figure in snapshot.figures()]
    newest = float(snapshot.price)
    smallest_bare = max(BARE_NUMBERS_FROM, newest / 100) if newest >= BARE_NUMBERS_FROM else math.inf
    return [
        price
        for price in _named_prices(text, smallest_bare)
        if not any(abs(price - figure) <= TOLERANCE * figure for figure in known)
    ]


def _named_prices(text: str, smallest_bare: float) -> list[float]:
    named = []
    for match in _NUMBER.finditer(_TIMES.sub(" ", text)):
        after = (match["after"] or "").lower()
        if after in ("%", "percent"):
            continue
        value = _value(match)
        is_bare = not match["before"] and not after
        if not is_bare or (value >= smallest_bare and not match["unit"]):
            named.append(value)
    return named


def _value(match: re.Match[str]) -> float:
    value = float(match["digits"].replace(",", "")) * _FACTORS[(match["factor"] or "").lower()]
    if match["hundred_millions"]:
        value += float(match["hundred_millions"].replace(",", "")) * 1e8
    return value
