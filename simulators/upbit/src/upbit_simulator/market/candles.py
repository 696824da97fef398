"""Trades and candles, and how candles are aggregated from trades and from shorter candles. Pure."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

MINUTE_MS = 60_000
DAY_MINUTES = 1440


class Trade(NamedTuple):
    """One trade; `value` is its KRW turnover, `side` the taker's (ASK = sold into the book)."""

    time_ms: int
    price: Decimal
    volume: Decimal
    value: Decimal
    side: str
    sequential_id: int


class Candle(NamedTuple):
    """One candle of any length; `last_trade_ms` is Upbit's `timestamp`, `value` is in KRW."""

    open_ms: int
    opening: Decimal
    high: Decimal
    low: Decimal
    closing: Decimal
    last_trade_ms: int
    value: Decimal
    volume: Decimal


def candle_of(open_ms: int, trades: Sequence[Trade]) -> Candle | None:
    """Return the candle that these trades, oldest first, make; None where there was no trade."""
    return merge(
        open_ms,
        [Candle(open_ms, t.price, t.price, t.price, t.price, t.time_ms, t.value, t.volume) for t in trades],
    )


def merge(open_ms: int, candles: Sequence[Candle]) -> Candle | None:
    """Return the longer candle made of these, oldest first; None for none."""
    if not candles:
        return None
    return Candle(
        open_ms,
        candles[0].opening,
        max(candle.high for candle in candles),
        min(candle.low for candle in candles),
        candles[-1].closing,
        candles[-1].last_trade_ms,
        sum((candle.value for candle in candles), Decimal(0)),
        sum((candle.volume for candle in candles), Decimal(0)),
    )


def merge_by(candles: Iterable[Candle], size: int) -> list[Candle]:
    """Return candles of `size` minutes on the Unix grid, oldest first, from shorter ones, oldest first."""
    length_ms = size * MINUTE_MS
    groups = groupby(candles, key=lambda candle: candle.open_ms // length_ms)
    return [*filter(None, (merge(place * length_ms, list(members)) for place, members in groups))]


def candles_of(trades: Iterable[Trade], length_ms: int) -> list[Candle]:
    """Return the candles of this length that these trades make, both oldest first."""
    groups = groupby(trades, key=lambda trade: trade.time_ms // length_ms)
    return [*filter(None, (candle_of(place * length_ms, list(members)) for place, members in groups))]
