"""Grid of decision intervals: which ends a page of candles closes, and which are too late to decide.

The grid is Unix minutes // interval, so every replica and every restart has the same ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from common.clock import MINUTE

MIN_LATE_LIMIT = timedelta(minutes=5)


@dataclass(frozen=True)
class ClosedIntervals:
    """The interval ends that a page crosses: the newest, and how many older ones there are."""

    newest_end: datetime
    older: int


def newest_end_until(moment: datetime, interval_minutes: int) -> datetime:
    """Return the newest interval end at or before `moment`, UTC."""
    step = interval_minutes * 60
    return datetime.fromtimestamp(int(moment.timestamp()) // step * step, UTC)


def closed_by(covers_from: datetime, covers_to: datetime, interval_minutes: int) -> ClosedIntervals | None:
    """Return the interval ends in (covers_from, covers_to], None when there is none.

    An end at `covers_from` itself was closed by the page before.
    """
    step = interval_minutes * 60
    ends = int(covers_to.timestamp()) // step - int(covers_from.timestamp()) // step
    if ends == 0:
        return None
    return ClosedIntervals(newest_end_until(covers_to, interval_minutes), ends - 1)


def candle_timestamp_of(interval_end: datetime) -> datetime:
    """Return the open time of the interval's last minute, traded in or not."""
    return interval_end - MINUTE


def is_late(interval_end: datetime, exchange_time: datetime, interval_minutes: int) -> bool:
    """Say whether the end lies more than max(5 min, half an interval) before the exchange's time."""
    limit = max(MIN_LATE_LIMIT, interval_minutes * MINUTE / 2)
    return exchange_time - interval_end > limit
