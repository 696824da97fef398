"""Trades of a seeded day: open, one extreme, the other, close, so candles follow exactly. Pure."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from upbit_simulator.market.candles import DAY_MINUTES, MINUTE_MS, Trade
from upbit_simulator.market.listings import Listing
from upbit_simulator.market.noise import Floats, Integers, key_of, uniform
from upbit_simulator.seeded.price_path import DayPath, on_price_step

MOST_TRADES = 24
FEWEST_TRADES = 4
# Volumes and values are whole numbers of this unit inside, so sums are exact.
UNIT = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class DayTrades:
    """All trades of one UTC day as 1440 rows; the first `count` of a row's 24 columns are trades.

    `offset` is ms into the minute, `price` KRW, `volume` 1e-8 coins (0 where there is no trade).
    """

    count: Integers
    offset: Integers
    price: Integers
    volume: Integers
    bought: np.ndarray[tuple[int, int], np.dtype[np.bool_]]


def day_trades(seed: int, listing: Listing, day: int, path: DayPath) -> DayTrades:
    """Return the trades that follow one day's path."""
    key = key_of(seed, listing.code, "trades")
    minutes = np.arange(DAY_MINUTES, dtype=np.int64) + day * DAY_MINUTES
    slots = np.arange(MOST_TRADES, dtype=np.int64)[None, :]
    cells = minutes[:, None] * MOST_TRADES + slots
    spare = uniform(key ^ 1, minutes) * path.nervousness * 0.6 * (MOST_TRADES - FEWEST_TRADES)
    count = np.minimum(FEWEST_TRADES + spare.astype(np.int64), MOST_TRADES)
    count = np.where(path.traded, count, 0)
    width = (MINUTE_MS // np.maximum(count, 1))[:, None]
    luck = uniform(key ^ 3, cells)
    size = listing.trade_size * path.nervousness[:, None] * np.exp(3.0 * luck - 2.0)
    volume = np.where(slots < count[:, None], np.maximum(size * 1e8, 1.0).astype(np.int64), 0)
    return DayTrades(
        count=count,
        offset=slots * width + (uniform(key ^ 2, cells) * width).astype(np.int64),
        price=_walk(key, minutes, cells, count, path),
        volume=volume,
        bought=uniform(key ^ 4, cells) < 0.5 + 0.2 * np.sign(path.closing - path.opening)[:, None],
    )


def trades_in(day: int, minute_of_day: int, trades: DayTrades) -> tuple[Trade, ...]:
    """Return one minute of a day as trades, oldest first."""
    start_ms = (day * DAY_MINUTES + minute_of_day) * MINUTE_MS
    made: list[Trade] = []
    for slot in range(int(trades.count[minute_of_day])):
        time_ms = start_ms + int(trades.offset[minute_of_day, slot])
        price = Decimal(int(trades.price[minute_of_day, slot]))
        volume = int(trades.volume[minute_of_day, slot]) * UNIT
        side = "BID" if trades.bought[minute_of_day, slot] else "ASK"
        made.append(Trade(time_ms, price, volume, price * volume, side, time_ms * 10_000 + slot))
    return tuple(made)


def _walk(key: int, minutes: Integers, cells: Integers, count: Integers, path: DayPath) -> Integers:
    """Prices by slot: straight lines through the four corners, a little noise in between, never outside."""
    last = np.maximum(count - 1, 3)
    first_at = 1 + (uniform(key ^ 5, minutes) * (last - 2)).astype(np.int64)
    second_at = first_at + 1 + (uniform(key ^ 6, minutes) * (last - first_at - 1)).astype(np.int64)
    rising = path.closing >= path.opening
    first_extreme = np.where(rising, path.low, path.high)
    second_extreme = np.where(rising, path.high, path.low)
    corners = ((first_at, first_extreme), (second_at, second_extreme), (last, path.closing))
    slots = np.arange(MOST_TRADES, dtype=np.int64)[None, :]
    price, position, level = path.opening[:, None] + 0.0 * slots, np.zeros_like(last), path.opening
    for at, target in corners:
        price = np.where(slots > position[:, None], _line(slots, position, level, at, target), price)
        position, level = at, target
    noisy = price + (uniform(key ^ 7, cells) - 0.5) * 0.4 * (path.high - path.low)[:, None]
    inside: Integers = np.clip(on_price_step(noisy), path.low[:, None], path.high[:, None])
    rows = np.arange(DAY_MINUTES)
    for at, target in ((np.zeros_like(last), path.opening), *corners):
        inside[rows, at] = target
    return inside


def _line(slots: Integers, start: Integers, level: Integers, at: Integers, target: Integers) -> Floats:
    share = (slots - start[:, None]) / np.maximum(at - start, 1)[:, None]
    line: Floats = level[:, None] + (target - level)[:, None] * share
    return line
