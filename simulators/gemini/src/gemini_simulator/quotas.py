"""Request quotas per model, by the minute and the day, and the 429 answers with bodies as recorded.

The vendor's day begins at midnight Pacific time.
"""

import time
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from gemini_simulator.api.errors import SERVICE, TYPE, ApiError

REQUESTS = f"{SERVICE}/generate_content_free_tier_requests"
INPUT_TOKENS = f"{SERVICE}/generate_content_free_tier_input_token_count"
LIMITS_PAGE = "https://ai.google.dev/gemini-api/docs/rate-limits"
PACIFIC = ZoneInfo("America/Los_Angeles")
MINUTE_SECONDS = 60.0


@dataclass(frozen=True)
class Quota:
    """One of the service's quotas and how much it allows."""

    metric: str
    id: str
    limit: int


FREE_TIER = {
    "requests_per_minute": Quota(REQUESTS, "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", 5),
    "requests_per_day": Quota(REQUESTS, "GenerateRequestsPerDayPerProjectPerModel-FreeTier", 20),
    "input_tokens_per_minute": Quota(
        INPUT_TOKENS, "GenerateContentInputTokensPerModelPerMinute-FreeTier", 250_000
    ),
}


class Quotas:
    """Request counts of each model: `take` raises when one is too many."""

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
            raise _exceeded(model, "requests_per_day", self._per_day, seconds_to_midnight(today))
        if len(recent) >= self._per_minute:
            left = recent[0] + MINUTE_SECONDS - now if recent else MINUTE_SECONDS
            raise _exceeded(model, "requests_per_minute", self._per_minute, left)
        recent.append(now)
        self._days[day] += 1


def seconds_to_midnight(now: datetime) -> float:
    """Return the seconds until the vendor's next day; two days a year have 23 or 25 hours."""
    tomorrow = now.astimezone(PACIFIC).date() + timedelta(days=1)
    midnight = datetime.combine(tomorrow, datetime.min.time(), PACIFIC)
    # Between two times of one zone Python subtracts what the clocks show, not what passes.
    return (midnight.astimezone(UTC) - now.astimezone(UTC)).total_seconds()


def _exceeded(model: str, quota: str, limit: int, seconds: float) -> ApiError:
    violated = [replace(FREE_TIER[quota], limit=limit)]
    return quota_exceeded(model, violated, retry_in=f"{seconds:.9f}", retry_delay=str(int(seconds)))


def quota_exceeded(
    model: str, violated: Sequence[Quota], *, retry_in: str, retry_delay: str | None = None
) -> ApiError:
    """One or more free-tier quotas are used up.

    Args:
        retry_in: Seconds as the message spells them, as in "34.158753737".
        retry_delay: Seconds as RetryInfo spells them; the same by default.
    """
    rows = [
        f"* Quota exceeded for metric: {quota.metric}, limit: {quota.limit}, model: {model}\n"
        for quota in violated
    ]
    message = (
        "You exceeded your current quota, please check your plan and billing details. For more information"
        f" on this error, head to: {LIMITS_PAGE}. To monitor your current"
        f" usage, head to: https://ai.dev/rate-limit. \n{''.join(rows)}Please retry in {retry_in}s."
    )
    violations = [
        {
            "quotaMetric": quota.metric,
            "quotaId": quota.id,
            "quotaDimensions": {"location": "global", "model": model},
            "quotaValue": str(quota.limit),
        }
        for quota in violated
    ]
    links = [{"description": "Learn more about Gemini API quotas", "url": LIMITS_PAGE}]
    details: list[dict[str, Any]] = [
        {"@type": f"{TYPE}Help", "links": links},
        {"@type": f"{TYPE}QuotaFailure", "violations": violations},
        {"@type": f"{TYPE}RetryInfo", "retryDelay": f"{retry_delay or retry_in}s"},
    ]
    return ApiError(429, "RESOURCE_EXHAUSTED", message, details)
