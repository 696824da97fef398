"""How does the Gemini API say that a quota, or the money, is used up? Bodies as recorded."""

from __future__ import annotations

from typing import Any

from gemini_simulator.errors import SERVICE, TYPE, ApiError

METRIC = f"{SERVICE}/generate_content_free_tier_requests"
LIMITS_PAGE = "https://ai.google.dev/gemini-api/docs/rate-limits"


def quota_exceeded(
    model: str, *, period: str, limit: int, retry_in: str, retry_delay: str | None = None
) -> ApiError:
    """A free-tier quota is used up.

    Args:
        period: PerMinute or PerDay.
        retry_in: Seconds as the message spells them, as in "34.158753737".
        retry_delay: Seconds as RetryInfo spells them; the same by default.
    """
    message = (
        "You exceeded your current quota, please check your plan and billing details. For more information"
        f" on this error, head to: {LIMITS_PAGE}. To monitor your current"
        f" usage, head to: https://ai.dev/rate-limit. \n* Quota exceeded for metric: {METRIC}, limit:"
        f" {limit}, model: {model}\nPlease retry in {retry_in}s."
    )
    violation = {
        "quotaMetric": METRIC,
        "quotaId": f"GenerateRequests{period}PerProjectPerModel-FreeTier",
        "quotaDimensions": {"location": "global", "model": model},
        "quotaValue": str(limit),
    }
    links = [{"description": "Learn more about Gemini API quotas", "url": LIMITS_PAGE}]
    details: list[dict[str, Any]] = [
        {"@type": f"{TYPE}Help", "links": links},
        {"@type": f"{TYPE}QuotaFailure", "violations": [violation]},
        {"@type": f"{TYPE}RetryInfo", "retryDelay": f"{retry_delay or retry_in}s"},
    ]
    return ApiError(429, "RESOURCE_EXHAUSTED", message, details)


def prepay_depleted() -> ApiError:
    """The prepaid money is gone."""
    return ApiError(
        429,
        "RESOURCE_EXHAUSTED",
        "Your prepayment credits are depleted. Please go to AI Studio at https://ai.studio/projects to manage"
        " your project and billing.",
    )


def spend_cap() -> ApiError:
    """The project's own cap is reached."""
    return ApiError(
        429,
        "RESOURCE_EXHAUSTED",
        "Your project has exceeded its monthly spending cap. Please go to AI Studio at https://ai.studio/spend"
        " to manage your project spend cap.",
    )
