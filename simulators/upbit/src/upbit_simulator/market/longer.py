"""Candles longer than a day, made of days: weeks from Monday, months, years (UTC). Pure."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from upbit_simulator.market.candles import Candle, merge
from upbit_simulator.market.periods import MONTHS, WEEKS, YEARS, Grid


class Period(NamedTuple):
    """A kind of period, and how long one can be."""

    grid: Grid
    longest_days: int


PERIODS = {"weeks": Period(WEEKS, 7), "months": Period(MONTHS, 31), "years": Period(YEARS, 366)}


def periods_back(days: Iterable[Candle], grid: Grid) -> Iterator[Candle]:
    """Yield the periods' candles, newest first, from day candles, newest first.

    A candle opens with its period, also where nobody traded on the first day; the newest may be forming.
    """
    for place, members in groupby(days, key=lambda candle: grid.place(candle.open_ms)):
        merged = merge(grid.opens(place), list(members)[::-1])
        if merged is not None:
            yield merged
