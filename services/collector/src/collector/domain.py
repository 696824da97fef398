"""Pages of minutes: which minutes one proves, how a range is cut, where collecting goes on. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from common.clock import MINUTE, closed_until
from common.events import MAX_PAGE_CANDLES

PAGE_SPAN = MAX_PAGE_CANDLES * MINUTE


def closed_part(covers_to: datetime, *, exchange_time: datetime) -> datetime:
    """Return the end of the minutes that were closed when Upbit answered, at most `covers_to`.

    A page fetched a moment too early proves nothing about the minute that was still open.
    """
    return min(covers_to, closed_until(exchange_time))


def page_ranges(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield [start, end) cut into ranges of at most 200 minutes, oldest first; nothing when it is empty."""
    while start < end:
        stop = min(start + PAGE_SPAN, end)
        yield start, stop
        start = stop


def first_minute_to_collect(
    covered_until: datetime | None, *, exchange_time: datetime, backfill: timedelta
) -> datetime:
    """Return where collecting goes on: after what is covered, or `backfill` ago on a first start."""
    return covered_until or closed_until(exchange_time - backfill)
