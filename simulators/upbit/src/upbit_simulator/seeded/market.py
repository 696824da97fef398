"""The seeded market: the same trades for the same (seed, market, minute), in whatever order asked."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from upbit_simulator.market.candles import DAY_MINUTES, MINUTE_MS, Candle, Trade, merge
from upbit_simulator.market.listings import LISTINGS, Listing
from upbit_simulator.market.noise import Integers
from upbit_simulator.seeded.price_path import DayPath, day_path
from upbit_simulator.seeded.trades import UNIT, day_trades, trades_in

_LISTED_SINCE = int(datetime(2022, 1, 1, tzinfo=UTC).timestamp()) // 60
_ENDLESS = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()) // 60


class _Day(NamedTuple):
    """What candles need of a day; volume in 1e-8 coins, value in 1e-8 KRW, last_offset in ms."""

    path: DayPath
    volume: Integers
    value: Integers
    last_offset: Integers


class SeededMarket:
    """Market source over hashes; a day costs about 3 ms to make, and the newest ones asked for are kept."""

    def __init__(self, seed: int, listings: Sequence[Listing] = LISTINGS) -> None:
        self.listings = tuple(listings)
        known = {listing.code: listing for listing in listings}
        self._path = lru_cache(maxsize=32)(lambda code, day: day_path(seed, known[code], day))
        self._trades = lru_cache(maxsize=8)(
            lambda code, day: day_trades(seed, known[code], day, self._path(code, day))
        )
        self._day = lru_cache(maxsize=32)(self._make_day)
        self._minute = lru_cache(maxsize=2048)(self._make_minute)
        self._range = lru_cache(maxsize=8192)(self._make_range)
        self._whole_day = lru_cache(maxsize=8192)(self._make_whole_day)

    def span(self, code: str) -> tuple[int, int]:
        return _LISTED_SINCE, _ENDLESS

    def trades(self, code: str, minute: int) -> Sequence[Trade]:
        return self._minute(code, minute)

    def candles(self, code: str, first: int, end: int, size: int) -> list[Candle]:
        first, end = max(first, _LISTED_SINCE), min(end, _ENDLESS)
        found: list[Candle] = []
        for day, start, stop in _days(first, end):
            if size == DAY_MINUTES and (start, stop) == (0, DAY_MINUTES):
                found += filter(None, [self._whole_day(code, day)])
            else:
                found += _buckets(self._day(code, day), day, start, stop, size)
        return found

    def extremes(self, code: str, first_day: int, end_day: int) -> Sequence[tuple[int, Decimal, Decimal]]:
        days = range(max(first_day, _LISTED_SINCE // DAY_MINUTES), end_day)
        return [(day, *self._range(code, day)) for day in days]

    def _make_range(self, code: str, day: int) -> tuple[Decimal, Decimal]:
        """From the path alone: 52 weeks of trades would take a second."""
        path = self._path(code, day)
        return Decimal(int(path.high[path.traded].max())), Decimal(int(path.low[path.traded].min()))

    def _make_whole_day(self, code: str, day: int) -> Candle | None:
        return merge(
            day * DAY_MINUTES * MINUTE_MS, _buckets(self._day(code, day), day, 0, DAY_MINUTES, DAY_MINUTES)
        )

    def _make_minute(self, code: str, minute: int) -> tuple[Trade, ...]:
        day, minute_of_day = divmod(minute, DAY_MINUTES)
        return trades_in(day, minute_of_day, self._trades(code, day))

    def _make_day(self, code: str, day: int) -> _Day:
        trades = self._trades(code, day)
        last = np.maximum(trades.count - 1, 0)
        return _Day(
            self._path(code, day),
            trades.volume.sum(axis=1),
            (trades.volume * trades.price).sum(axis=1),
            trades.offset[np.arange(DAY_MINUTES), last],
        )


def _days(first: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield (Unix day, first minute of day, end minute of day) over the minutes [first, end)."""
    while first < end:
        day, start = divmod(first, DAY_MINUTES)
        stop = min(DAY_MINUTES, start + end - first)
        yield day, start, stop
        first += stop - start


def _buckets(data: _Day, day: int, start: int, stop: int, size: int) -> list[Candle]:
    """Return the candles of `size` minutes over the minutes [start, stop) of one day, oldest first."""
    minutes = np.flatnonzero(data.path.traded[start:stop]) + start
    if not len(minutes):
        return []
    bucket, heads = np.unique(minutes // size, return_index=True)
    tails = np.append(heads[1:], len(minutes)) - 1
    path, day_ms = data.path, day * DAY_MINUTES * MINUTE_MS
    columns = (
        (bucket * size * MINUTE_MS + day_ms).tolist(),
        path.opening[minutes[heads]].tolist(),
        np.maximum.reduceat(path.high[minutes], heads).tolist(),
        np.minimum.reduceat(path.low[minutes], heads).tolist(),
        path.closing[minutes[tails]].tolist(),
        (minutes[tails] * MINUTE_MS + data.last_offset[minutes[tails]] + day_ms).tolist(),
        _exact_sums(data.value[minutes], heads),
        _exact_sums(data.volume[minutes], heads),
    )
    return [_candle(*row) for row in zip(*columns, strict=True)]


def _exact_sums(amounts: Integers, heads: Integers) -> list[int]:
    """A day's value overflows 64 bits, so it is summed as Python integers."""
    sums: list[int] = np.add.reduceat(amounts.astype(object), heads).tolist()
    return sums


def _candle(
    open_ms: int, opening: int, high: int, low: int, closing: int, last_ms: int, value: int, volume: int
) -> Candle:
    prices = (Decimal(opening), Decimal(high), Decimal(low), Decimal(closing))
    return Candle(open_ms, *prices, last_ms, value * UNIT, volume * UNIT)
