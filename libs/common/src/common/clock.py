"""What time is it, and which minutes are closed? Pure but for `utc_now`."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta

MINUTE = timedelta(minutes=1)

# Upbit may still change a candle in the first moments after its minute; two seconds later it no longer does.
CLOSED_AFTER = timedelta(seconds=62)


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
    """The newest time seen from the exchange (`Date` header, WebSocket); never this machine's clock."""

    def __init__(self) -> None:
        self._newest: datetime | None = None
        self._advanced_at: datetime | None = None
        self._heard = -math.inf

    def observe(self, moment: datetime) -> None:
        """Take note of a time the exchange told; an older one than known is ignored."""
        self._heard = time.monotonic()
        if self._newest is None or moment > self._newest:
            self._newest, self._advanced_at = moment, utc_now()

    @property
    def now(self) -> datetime | None:
        """The newest time seen, UTC, or None before the first."""
        return self._newest

    @property
    def silent_seconds(self) -> float:
        """How long the exchange has told no time at all, infinite before the first."""
        return time.monotonic() - self._heard

    @property
    def advanced_at(self) -> datetime | None:
        """Wall time when a newer time was told last, None before the first."""
        return self._advanced_at
