"""Which candle of its length is this? Every length has a grid: n-th candle and when it opens (UTC). Pure."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from upbit_simulator.encoding import utc
from upbit_simulator.market.candles import DAY_MINUTES, MINUTE_MS

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


WEEKS = even_grid(7 * _DAY_MS, _FIRST_MONDAY_MS)
MONTHS = Grid(_month, _month_opens)
YEARS = Grid(lambda time_ms: utc(time_ms).year, lambda year: _month_opens(year * 12))
