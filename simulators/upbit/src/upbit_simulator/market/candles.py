"""What is a trade, what is a candle, and how does one come from the other? Pure: no clock, no IO."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
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
    """Return the candle that these trades, oldest first, make; None where nobody traded."""
    if not trades:
        return None
    prices = [trade.price for trade in trades]
    return Candle(
        open_ms,
        prices[0],
        max(prices),
        min(prices),
        prices[-1],
        trades[-1].time_ms,
        sum((trade.value for trade in trades), Decimal(0)),
        sum((trade.volume for trade in trades), Decimal(0)),
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
    buckets: dict[int, list[Candle]] = {}
    length = size * MINUTE_MS
    for candle in candles:
        buckets.setdefault(candle.open_ms // length * length, []).append(candle)
    merged = (merge(open_ms, members) for open_ms, members in buckets.items())
    return [candle for candle in merged if candle is not None]


def seconds_of(trades: Iterable[Trade]) -> list[Candle]:
    """Return the 1-second candles of these trades, both oldest first."""
    buckets: dict[int, list[Trade]] = {}
    for trade in trades:
        buckets.setdefault(trade.time_ms // 1000 * 1000, []).append(trade)
    made = (candle_of(open_ms, members) for open_ms, members in buckets.items())
    return [candle for candle in made if candle is not None]
