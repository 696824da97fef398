"""How many requests are left? Per model, a minute and a day; the day begins at midnight Pacific."""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from gemini_simulator.api.errors import ApiError
from gemini_simulator.quotas.errors import FREE_TIER, quota_exceeded

PACIFIC = ZoneInfo("America/Los_Angeles")
MINUTE_SECONDS = 60.0


class Quotas:
    """Counts requests; `take` raises when one is too many."""

    def __init__(self, *, per_minute: int, per_day: int) -> None:
        self._per_minute = per_minute
        self._per_day = per_day
        self._recent: defaultdict[str, deque[float]] = defaultdict(deque)
        self._days: Counter[tuple[str, str]] = Counter()

    def take(self, model: str) -> None:
        """Count one request; ApiError 429 where the minute's or the day's quota is used up."""
        now, today = time.monotonic(), datetime.now(UTC).astimezone(PACIFIC)
        recent = self._recent[model]
        while recent and recent[0] <= now - MINUTE_SECONDS:
            recent.popleft()
        day = (model, today.date().isoformat())
        if self._days[day] >= self._per_day:
            raise _refusal(model, "requests_per_day", self._per_day, seconds_to_midnight(today))
        if len(recent) >= self._per_minute:
            left = recent[0] + MINUTE_SECONDS - now if recent else MINUTE_SECONDS
            raise _refusal(model, "requests_per_minute", self._per_minute, left)
        recent.append(now)
        self._days[day] += 1


def seconds_to_midnight(now: datetime) -> float:
    """Return the seconds until the vendor's next day; two days a year have 23 or 25 hours."""
    tomorrow = now.astimezone(PACIFIC).date() + timedelta(days=1)
    midnight = datetime.combine(tomorrow, datetime.min.time(), PACIFIC)
    # Between two times of one zone Python subtracts what the clocks show, not what passes.
    return (midnight.astimezone(UTC) - now.astimezone(UTC)).total_seconds()


def _refusal(model: str, quota: str, limit: int, seconds: float) -> ApiError:
    violated = [replace(FREE_TIER[quota], limit=limit)]
    return quota_exceeded(model, violated, retry_in=f"{seconds:.9f}", retry_delay=str(int(seconds)))
