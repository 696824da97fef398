"""Quota days of Gemini: they begin at midnight in America/Los_Angeles. Pure.

Twice a year such a day has 23 or 25 hours.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

PACIFIC = ZoneInfo("America/Los_Angeles")


def quota_day(now: datetime) -> date:
    """Return the vendor's day at `now` (aware)."""
    return now.astimezone(PACIFIC).date()


def next_quota_day(now: datetime) -> datetime:
    """Return when the vendor's next day begins, UTC."""
    tomorrow = quota_day(now) + timedelta(days=1)
    return datetime.combine(tomorrow, time.min, PACIFIC).astimezone(UTC)
