"""Trades made up inside a recorded minute, whose sum is exactly the recorded candle. Pure."""

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal
from itertools import pairwise
from random import Random

from upbit_simulator.market.candles import MINUTE_MS, Candle, Trade
from upbit_simulator.market.listings import tick_size

_FEWEST, _MOST = 6, 14


def trades_of_minute(code: str, candle: Candle) -> tuple[Trade, ...]:
    """Return 6 to 14 trades, oldest first: open, one extreme, the other, close, with prices in between.

    Volumes and values add up to the candle's; a value is a share of the recorded one, not price x volume,
    since one average price a minute is all a candle tells. The last trade is at the candle's timestamp, at
    most the minute's last millisecond.
    """
    chance = Random(f"{code}:{candle.open_ms}")  # noqa: S311 - a repeatable market, not a secret
    count = chance.randint(_FEWEST, _MOST)
    prices = _prices(chance, candle, count)
    weights = [chance.uniform(0.2, 1.0) for _ in range(count)]
    volumes, values = _shares(candle.volume, weights), _shares(candle.value, weights)
    times = _times(chance, candle, count)
    sides = ["BID" if later >= earlier else "ASK" for earlier, later in pairwise(prices)]
    rows = zip(times, prices, volumes, values, ["BID", *sides], strict=True)
    return tuple(Trade(*row, row[0] * 10_000 + place) for place, row in enumerate(rows))


def _prices(chance: Random, candle: Candle, count: int) -> list[Decimal]:
    extremes = [candle.low, candle.high] if candle.closing >= candle.opening else [candle.high, candle.low]
    first, second = sorted(chance.sample(range(1, count - 1), 2))
    corners = [(0, candle.opening), (first, extremes[0]), (second, extremes[1]), (count - 1, candle.closing)]
    prices: list[Decimal] = []
    for (start, level), (stop, target) in pairwise(corners):
        step = (target - level) / (stop - start)
        prices += [level, *(_on_step(level + step * part, candle) for part in range(1, stop - start))]
    return [*prices, candle.closing]


def _on_step(price: Decimal, candle: Candle) -> Decimal:
    step = tick_size(price)
    return min(candle.high, max(candle.low, (price / step).quantize(Decimal(1)) * step))


def _shares(total: Decimal, weights: Sequence[float]) -> list[Decimal]:
    """Split `total` by weight into amounts of its own precision; the last takes the rest, so none is lost."""
    whole = sum(weights)
    shares = [
        (total * Decimal(weight / whole)).quantize(total, rounding=ROUND_DOWN) for weight in weights[:-1]
    ]
    return [*shares, total - sum(shares, Decimal(0))]


def _times(chance: Random, candle: Candle, count: int) -> list[int]:
    """A first trade within 2 s, so that a forming candle shows early; strictly rising."""
    last = min(candle.last_trade_ms, candle.open_ms + MINUTE_MS - 1)
    room = last - candle.open_ms
    if room < count:
        return [max(candle.open_ms, last - count + 1 + place) for place in range(count)]
    first = chance.randint(0, min(2000, room - count))
    middle = sorted(chance.sample(range(first + 1, room), count - 2))
    return [candle.open_ms + offset for offset in (first, *middle, room)]
