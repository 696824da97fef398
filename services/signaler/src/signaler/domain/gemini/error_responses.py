"""Classification of Gemini's error responses: status and body in, one of our errors out.

Source: the vendor's error table and recorded bodies; the reading order of a 429 is: the day's quota, the
minute's quota, money, nothing stated. A day's quota may come with a short delay that does not help, so
the quota's name counts, not the delay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from common.gemini_quota import next_quota_day
from signaler.domain.gemini.errors import (
    GeminiError,
    KeyRefusedError,
    ModelGoneError,
    QuotaExhaustedError,
    RateLimitedError,
    RequestRefusedError,
    UnavailableError,
)

MAX_MESSAGE_CHARACTERS = 200
TRY_AGAIN_STATUSES = (408, 409, 425, 499)

_MONEY = re.compile(r"prepay|credits? (are|is) depleted|spending cap|spend cap", re.IGNORECASE)
_LIMIT_ZERO = re.compile(r"limit: 0(?![.\d])")
_DELAY = re.compile(r"^(\d+(?:\.\d+)?)s$")
_DELAY_IN_WORDS = re.compile(r"retry in (\d+(?:\.\d+)?)s", re.IGNORECASE)


def classify_response(status: int, body: str, *, model: str, now: datetime) -> GeminiError:
    """Return our error for a response whose status is not 200.

    Args:
        body: As received: Gemini's JSON error, or a proxy's HTML page.
        now: Wall time, for the end of the vendor's day.
    """
    error = _error_object(body)
    message = _message(error, body)
    text = f"Gemini answers {status} for {model}: {message}"
    if status == 429:
        return _quota_error(text, error, model=model, now=now)
    if status >= 500 or status in TRY_AGAIN_STATUSES:
        return UnavailableError(text, retry_after_seconds=_retry_delay(error))
    if status in (401, 403) or _is_about_the_key(error):
        return KeyRefusedError(text)
    if status == 404:
        return ModelGoneError(text)
    return RequestRefusedError(text)


def _quota_error(text: str, error: Mapping[str, Any], *, model: str, now: datetime) -> GeminiError:
    whole = str(error.get("message", ""))
    quota_ids = [str(violation.get("quotaId", "")) for violation in _violations(error)]
    money = bool(_MONEY.search(whole))
    if any("PerDay" in quota for quota in quota_ids) or _LIMIT_ZERO.search(whole) or money:
        return QuotaExhaustedError(text, model=model, blocked_until=next_quota_day(now), whole_project=money)
    return RateLimitedError(text, retry_after_seconds=_retry_delay(error))


def _is_about_the_key(error: Mapping[str, Any]) -> bool:
    reasons = {str(detail.get("reason", "")) for detail in _details(error)}
    return bool(reasons & {"API_KEY_INVALID", "API_KEY_EXPIRED", "ACCESS_TOKEN_TYPE_UNSUPPORTED"}) or (
        "api key" in str(error.get("message", "")).lower()
    )


def _retry_delay(error: Mapping[str, Any]) -> float | None:
    for detail in _details(error):
        if match := _DELAY.match(str(detail.get("retryDelay", ""))):
            return float(match[1])
    match = _DELAY_IN_WORDS.search(str(error.get("message", "")))
    return float(match[1]) if match else None


def _violations(error: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for detail in _details(error):
        violations = detail.get("violations")
        yield from (v for v in violations if isinstance(v, dict)) if isinstance(violations, list) else ()


def _details(error: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    details = error.get("details")
    return [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []


def _error_object(body: str) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if isinstance(document, list) and document:
        document = document[0]
    error = document.get("error") if isinstance(document, dict) else None
    return error if isinstance(error, dict) else {}


def _message(error: Mapping[str, Any], body: str) -> str:
    first_line = str(error.get("message") or "").strip().split("\n")[0]
    if first_line:
        return f"{error.get('status', 'no status')}: {first_line[:MAX_MESSAGE_CHARACTERS]}"
    return "no JSON error in the body" if body.strip() else "an empty body"
