"""Market view: what the exchange shows at a moment. Joins finished minutes with the one that is forming.

Every answer, REST or WebSocket, of any candle length, is made here, so they can't disagree.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import lru_cache
from itertools import islice

from upbit_simulator.market.candles import DAY_MINUTES, MINUTE_MS, Candle, Trade, candle_of, candles_of, merge
from upbit_simulator.market.source import MarketSource

# Minutes, or candles where those are longer: what one step back in history asks of the source.
_WINDOW_MINUTES, _WINDOW_CANDLES, _WINDOW_GROWTH = 240, 8, 32


class MarketView:
    """Reads a market source as of a given exchange time; `now_ms` is always Unix milliseconds."""

    def __init__(self, source: MarketSource) -> None:
        self.source = source
        self._extremes = lru_cache(maxsize=64)(source.extremes)
        self._finished = lru_cache(maxsize=512)(self._make_finished)
        self._bought = lru_cache(maxsize=16_384)(lambda code, minute: _bought(source.trades(code, minute)))
        self.close_before = lru_cache(maxsize=512)(self._make_close_before)

    def extremes(self, code: str, days: int, now_ms: int) -> list[tuple[int, Decimal, Decimal]]:
        """Return (Unix day, high, low) of the last `days` days with a trade before today, oldest first."""
        today = now_ms // MINUTE_MS // DAY_MINUTES
        return [*self._extremes(code, today - days, today)]

    def total(self, code: str, first: int, now_ms: int) -> Candle | None:
        """Return everything since the Unix minute `first` as one candle; None without a trade."""
        minute = now_ms // MINUTE_MS
        parts = (self._finished(code, first, minute), self._forming(code, minute, now_ms))
        return merge(first * MINUTE_MS, [part for part in parts if part is not None])

    def bought(self, code: str, first: int, now_ms: int) -> Decimal:
        """Return the volume that takers have bought (BID) since the Unix minute `first`."""
        minute = now_ms // MINUTE_MS
        forming = (trade for trade in self.source.trades(code, minute) if trade.time_ms <= now_ms)
        finished = (self._bought(code, whole) for whole in range(first, minute))
        return sum(finished, Decimal(0)) + _bought(forming)

    def bucket(self, code: str, open_ms: int, size: int, now_ms: int) -> Candle | None:
        """Return the candle of `size` minutes (a divisor of 1440) that opened then, as far as it has come."""
        first = open_ms // MINUTE_MS
        minute = now_ms // MINUTE_MS
        end = min(first + size, minute)
        parts = [self._finished(code, first, end)] if end > first else []
        if first <= minute < first + size:
            parts.append(self._forming(code, minute, now_ms))
        return merge(open_ms, [part for part in parts if part is not None])

    def candles_back(self, code: str, size: int, before_ms: int, now_ms: int) -> Iterator[Candle]:
        """Yield the candles of `size` minutes (divides 1440) that opened before `before_ms`, newest first."""
        length = size * MINUTE_MS
        newest = min(before_ms - 1, now_ms) // length
        minute = now_ms // MINUTE_MS
        if newest == now_ms // length:
            forming = self.bucket(code, newest * length, size, now_ms)
            yield from () if forming is None else (forming,)
            newest -= 1
        start = self.source.span(code)[0]
        end, window = min((newest + 1) * size, minute), max(_WINDOW_MINUTES, _WINDOW_CANDLES * size)
        widest = window * _WINDOW_GROWTH
        while end > start:
            # Aligned on the grid of this size, so no candle is cut in two at a window's edge.
            first = max(end - window, start // size * size) // size * size
            yield from reversed(self.source.candles(code, first, end, size))
            end, window = first, min(window * 2, widest)

    def seconds_back(self, code: str, before_ms: int, now_ms: int) -> Iterator[Candle]:
        """Yield the 1-second candles that opened before `before_ms`, newest first."""
        until = min(now_ms, (before_ms - 1) // 1000 * 1000 + 999)
        for minute in self._traded_minutes_back(code, until, now_ms):
            trades = (t for t in self.source.trades(code, minute) if t.time_ms <= until)
            yield from reversed(candles_of(trades, 1000))

    def trades_back(self, code: str, until_ms: int) -> Iterator[Trade]:
        """Yield the trades up to and including `until_ms`, newest first."""
        for minute in self._traded_minutes_back(code, until_ms, until_ms):
            yield from (t for t in reversed(self.source.trades(code, minute)) if t.time_ms <= until_ms)

    def last_trade(self, code: str, now_ms: int) -> Trade | None:
        """Return the newest trade; None before the first one."""
        return next(self.trades_back(code, now_ms), None)

    def trades_between(self, code: str, after_ms: int, until_ms: int, most: int) -> list[Trade]:
        """Return the newest `most` trades in (after, until], oldest first."""
        newest: list[Trade] = []
        for trade in islice(self.trades_back(code, until_ms), most):
            if trade.time_ms <= after_ms:
                break
            newest.append(trade)
        return newest[::-1]

    def _traded_minutes_back(self, code: str, until_ms: int, now_ms: int) -> Iterator[int]:
        for candle in self.candles_back(code, 1, until_ms + 1, now_ms):
            yield candle.open_ms // MINUTE_MS

    def _forming(self, code: str, minute: int, now_ms: int) -> Candle | None:
        happened = [trade for trade in self.source.trades(code, minute) if trade.time_ms <= now_ms]
        return candle_of(minute * MINUTE_MS, happened)

    def _make_close_before(self, code: str, day: int) -> Decimal | None:
        """Return the last price before a Unix day that has begun; None before the first trade."""
        midnight = day * DAY_MINUTES * MINUTE_MS
        before = next(self.candles_back(code, 1, midnight, midnight), None)
        return None if before is None else before.closing

    def _make_finished(self, code: str, first: int, end: int) -> Candle | None:
        return merge(first * MINUTE_MS, self.source.candles(code, first, end, DAY_MINUTES))


def _bought(trades: Iterable[Trade]) -> Decimal:
    return sum((trade.volume for trade in trades if trade.side == "BID"), Decimal(0))
