"""Candle periods: the grid of each length (UTC), and weeks, months and years made of days. Pure."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import NamedTuple

from upbit_simulator.encoding import utc
from upbit_simulator.market.candles import DAY_MINUTES, MINUTE_MS, Candle, merge

_DAY_MS = DAY_MINUTES * MINUTE_MS
_FIRST_MONDAY_MS = 4 * _DAY_MS


class Grid(NamedTuple):
    """`place` numbers the candle that a Unix time (ms) falls into, `opens` says when a number begins."""

    place: Callable[[int], int]
    opens: Callable[[int], int]


def even_grid(length_ms: int, first_ms: int = 0) -> Grid:
    """Return the grid of candles that are all equally long."""
    return Grid(lambda time_ms: (time_ms - first_ms) // length_ms, lambda place: place * length_ms + first_ms)


def _month(time_ms: int) -> int:
    moment = utc(time_ms)
    return moment.year * 12 + moment.month - 1


def _month_opens(place: int) -> int:
    return int(datetime(place // 12, place % 12 + 1, 1, tzinfo=UTC).timestamp()) * 1000


class Period(NamedTuple):
    """A kind of period, and how long one can be."""

    grid: Grid
    longest_days: int


PERIODS = {
    "weeks": Period(even_grid(7 * _DAY_MS, _FIRST_MONDAY_MS), 7),
    "months": Period(Grid(_month, _month_opens), 31),
    "years": Period(Grid(lambda time_ms: utc(time_ms).year, lambda year: _month_opens(year * 12)), 366),
}


def periods_back(days: Iterable[Candle], grid: Grid) -> Iterator[Candle]:
    """Yield the periods' candles, newest first, from day candles, newest first.

    A candle opens with its period, also without a trade on its first day; the newest may be forming.
    """
    for place, members in groupby(days, key=lambda candle: grid.place(candle.open_ms)):
        merged = merge(grid.opens(place), list(members)[::-1])
        if merged is not None:
            yield merged
