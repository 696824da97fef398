"""Clocks: wall time, closed minutes, and the exchange's own time. Pure but for `utc_now`."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta

MINUTE = timedelta(minutes=1)

# Upbit may still change a candle in the first moments after its minute; two seconds later it no longer does.
CLOSED_AFTER = timedelta(seconds=62)
# Whole seconds in `Date`, and the way here, make no more of a difference.
FURTHER_AHEAD = timedelta(seconds=2)


def utc_now() -> datetime:
    """Return this machine's wall time, aware, UTC."""
    return datetime.now(UTC)


def floor_minute(moment: datetime) -> datetime:
    """Return the start of the minute that `moment` lies in."""
    return moment.replace(second=0, microsecond=0)


def is_whole_minute(moment: datetime) -> bool:
    """Return whether a minute starts at `moment`."""
    return not (moment.second or moment.microsecond)


def closed_until(exchange_time: datetime) -> datetime:
    """Return the end, exclusive, of the minutes that are closed at `exchange_time`.

    A minute is closed when the exchange's time is at least its open time + 62 s.
    """
    return floor_minute(exchange_time - CLOSED_AFTER) + MINUTE


class ExchangeClock:
    """The newest time seen from the exchange (`Date` header, WebSocket); never this machine's clock.

    Args:
        steady: One that is further ahead than the time that has passed is believed when the next one is ahead
            too, and the smaller of the two; so no single wrong answer closes minutes that are not closed. A
            recording's clock is not steady: it runs at any speed.

    Attributes:
        now: The newest time seen, UTC; None before the first.
        advanced_at: Wall time when a newer time came last, None before the first.
    """

    def __init__(self, *, steady: bool = False) -> None:
        self.is_steady = steady
        self.now: datetime | None = None
        self._newest_at = -math.inf
        self._is_certain = not steady
        self._unconfirmed: datetime | None = None
        self.advanced_at: datetime | None = None
        self._observed_at = -math.inf

    def observe(self, moment: datetime) -> None:
        """Record a time that the exchange sent; an older one than known is ignored."""
        before, self._observed_at = self.now, time.monotonic()
        believed = self._believed(moment) if self.is_steady else moment
        # Only the first one, which nothing has confirmed, may have been too late.
        if before is None or believed > before or not self._is_certain:
            self.now, self._newest_at, self.advanced_at = believed, self._observed_at, utc_now()
        self._is_certain = self._is_certain or before is not None

    def _believed(self, moment: datetime) -> datetime:
        if self.now is None:
            return moment
        passed = timedelta(seconds=self._observed_at - self._newest_at)
        if moment <= self.now + passed + FURTHER_AHEAD:
            self._unconfirmed = None
            return moment
        if self._unconfirmed is None:
            self._unconfirmed = moment
            return self.now
        believed, self._unconfirmed = min(moment, self._unconfirmed), None
        return believed

    @property
    def ahead_of_us(self) -> timedelta | None:
        """How far it was ahead of our own clock when it advanced last, negative behind; None before."""
        return self.now - self.advanced_at if self.now and self.advanced_at else None

    @property
    def silent_seconds(self) -> float:
        """How long the exchange has sent no time at all, infinite before the first."""
        return time.monotonic() - self._observed_at
