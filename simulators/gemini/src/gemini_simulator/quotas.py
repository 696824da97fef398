"""How many requests are left? Per model, a minute and a day; the day begins at midnight Pacific."""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from gemini_simulator.errors import quota_exceeded

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
        now = time.monotonic()
        recent = self._recent[model]
        while recent and recent[0] <= now - MINUTE_SECONDS:
            recent.popleft()
        today = datetime.now(UTC).astimezone(PACIFIC)
        day = (model, today.date().isoformat())
        if self._days[day] >= self._per_day:
            midnight = datetime.combine(today.date() + timedelta(days=1), datetime.min.time(), PACIFIC)
            delay = f"{int((midnight - today).total_seconds())}s"
            raise quota_exceeded(model, period="PerDay", limit=self._per_day, retry_delay=delay)
        if len(recent) >= self._per_minute:
            delay = f"{recent[0] + MINUTE_SECONDS - now:.9f}s"
            raise quota_exceeded(model, period="PerMinute", limit=self._per_minute, retry_delay=delay)
        recent.append(now)
        self._days[day] += 1
