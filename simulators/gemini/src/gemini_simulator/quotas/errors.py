"""How does the Gemini API say that a quota, or the money, is used up? Bodies as recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gemini_simulator.api.errors import SERVICE, TYPE, ApiError

REQUESTS = f"{SERVICE}/generate_content_free_tier_requests"
INPUT_TOKENS = f"{SERVICE}/generate_content_free_tier_input_token_count"
LIMITS_PAGE = "https://ai.google.dev/gemini-api/docs/rate-limits"


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
