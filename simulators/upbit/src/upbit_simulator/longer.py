"""Candles longer than a day, made of days: weeks from Monday, months, years (UTC). Pure."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from itertools import groupby
from typing import NamedTuple

from upbit_simulator.candle import Candle, merge
from upbit_simulator.spelling import utc


class Period(NamedTuple):
    """A kind of period: the first day of the one that a day is in, and how long one can be."""

    first_day: Callable[[date], date]
    longest_days: int


PERIODS = {
    "weeks": Period(lambda day: day - timedelta(days=day.weekday()), 7),
    "months": Period(lambda day: day.replace(day=1), 31),
    "years": Period(lambda day: day.replace(month=1, day=1), 366),
}


def periods_back(days: Iterable[Candle], period: str) -> Iterator[tuple[date, Candle]]:
    """Yield (first day of the period, its candle), newest first, from day candles, newest first.

    Args:
        days: Day candles; the first period may be one that is still forming.
        period: `weeks`, `months` or `years`.
    """
    first_day = PERIODS[period].first_day
    for start, members in groupby(days, key=lambda candle: first_day(utc(candle.open_ms).date())):
        candles = list(members)[::-1]
        merged = merge(candles[0].open_ms, candles)
        if merged is not None:
            yield start, merged
