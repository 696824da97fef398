"""The recorded market: the candles of a recording, and trades inside each minute that add up to them."""

from bisect import bisect_left
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

from upbit_simulator.market.candles import DAY_MINUTES, MINUTE_MS, Candle, Trade, merge_by
from upbit_simulator.market.listings import listing_for
from upbit_simulator.recorded.recording import Recording
from upbit_simulator.recorded.trades import trades_of_minute


class RecordedMarket:
    """Market source over one recording; the clock decides how much of it has happened."""

    def __init__(self, recording: Recording) -> None:
        self.listings = tuple(listing_for(code) for code in recording.markets)
        self._markets = recording.by_market
        self._opens = {
            code: [candle.open_ms // MINUTE_MS for candle in market.candles]
            for code, market in recording.by_market.items()
        }
        self._made_up = lru_cache(maxsize=2048)(trades_of_minute)

    def span(self, code: str) -> tuple[int, int]:
        opens = self._opens[code]
        return opens[0], opens[-1] + 1

    def candles(self, code: str, first: int, end: int, size: int) -> list[Candle]:
        opens = self._opens[code]
        found = self._markets[code].candles[bisect_left(opens, first) : bisect_left(opens, end)]
        return list(found) if size == 1 else merge_by(found, size)

    def trades(self, code: str, minute: int) -> Sequence[Trade]:
        ticks = self._markets[code].ticks
        if ticks:
            return ticks.get(minute, ())
        opens = self._opens[code]
        place = bisect_left(opens, minute)
        if place == len(opens) or opens[place] != minute:
            return ()
        return self._made_up(code, self._markets[code].candles[place])

    def extremes(self, code: str, first_day: int, end_day: int) -> Sequence[tuple[int, Decimal, Decimal]]:
        days = self.candles(code, first_day * DAY_MINUTES, end_day * DAY_MINUTES, DAY_MINUTES)
        return [(day.open_ms // MINUTE_MS // DAY_MINUTES, day.high, day.low) for day in days]
