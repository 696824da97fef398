"""Ticker of a market at a moment: last trade, day, 24 hours, 52 weeks. No clock, no IO."""

from dataclasses import dataclass
from decimal import Decimal

from upbit_simulator.encoding import utc
from upbit_simulator.market.candles import DAY_MINUTES, MINUTE_MS, Candle, Trade
from upbit_simulator.market.view import MarketView

_YEAR_DAYS = 364


@dataclass(frozen=True, slots=True)
class Extreme:
    """The highest or lowest price of 52 weeks and its day, `yyyy-MM-dd`."""

    price: Decimal
    day: str


@dataclass(frozen=True, slots=True)
class Ticker:
    """A market as of one moment; the day starts at 00:00 UTC."""

    code: str
    last: Trade
    day: Candle
    previous_close: Decimal
    value_24h: Decimal
    volume_24h: Decimal
    highest: Extreme
    lowest: Extreme

    @property
    def change(self) -> Decimal:
        """Signed change against the day before."""
        return self.last.price - self.previous_close

    @property
    def direction(self) -> str:
        """RISE, EVEN or FALL."""
        return direction(self.change)


def direction(change: Decimal) -> str:
    """Return Upbit's word for a signed change."""
    return "RISE" if change > 0 else "FALL" if change < 0 else "EVEN"


def ticker_at(view: MarketView, code: str, now_ms: int) -> Ticker | None:
    """Return the market's state; None before its first trade."""
    last = view.last_trade(code, now_ms)
    if last is None:
        return None
    first_minute = now_ms // MINUTE_MS // DAY_MINUTES * DAY_MINUTES
    previous = previous_close(view, code, now_ms) or last.price
    zero = Decimal(0)
    still = Candle(first_minute * MINUTE_MS, previous, previous, previous, previous, last.time_ms, zero, zero)
    day = view.total(code, first_minute, now_ms) or still
    latest_24h = view.total(code, now_ms // MINUTE_MS - DAY_MINUTES, now_ms) or still
    highest, lowest = _extremes(view, code, day, now_ms)
    return Ticker(code, last, day, previous, latest_24h.value, latest_24h.volume, highest, lowest)


def previous_close(view: MarketView, code: str, time_ms: int) -> Decimal | None:
    """Return the last price before the day of this time; where a recording starts, that day's first price."""
    day = time_ms // MINUTE_MS // DAY_MINUTES
    before = view.close_before(code, day)
    if before is not None:
        return before
    so_far = view.total(code, day * DAY_MINUTES, time_ms)
    return so_far.opening if so_far is not None else None


def _extremes(view: MarketView, code: str, day: Candle, now_ms: int) -> tuple[Extreme, Extreme]:
    today = day.open_ms // MINUTE_MS // DAY_MINUTES
    days = [*view.extremes(code, _YEAR_DAYS, now_ms), (today, day.high, day.low)]
    high_day, high, _ = max(days, key=lambda entry: entry[1])
    low_day, _, low = min(days, key=lambda entry: entry[2])
    return Extreme(high, _date(high_day)), Extreme(low, _date(low_day))


def _date(day: int) -> str:
    return utc(day * DAY_MINUTES * MINUTE_MS).strftime("%Y-%m-%d")
