"""What each error of Gemini means for the next step."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import PermanentError, TransientError
from common.gemini_quota import next_quota_day, quota_day
from signaler.domain.gemini.error_responses import classify_response
from signaler.domain.gemini.errors import (
    GeminiError,
    KeyRefusedError,
    ModelGoneError,
    QuotaExhaustedError,
    RateLimitedError,
    RequestRefusedError,
    UnavailableError,
)
from signaler.domain.gemini.token_prices import PRICES, cost_usd

EXAMPLES = Path(__file__).parents[2] / "gemini_examples"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MIDNIGHT_PACIFIC = datetime(2026, 11, 25, 8, tzinfo=UTC)
MODEL = "gemini-3.8-flash"


def classified(name: str) -> GeminiError:
    status = int(name.split("_")[0])
    body = (EXAMPLES / f"gemini_error_{name}.json").read_text()
    return classify_response(status, body, model=MODEL, now=NOW)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("400", RequestRefusedError),
        ("400_key", KeyRefusedError),
        ("400_region", RequestRefusedError),
        ("401_auth_key", KeyRefusedError),
        ("403", KeyRefusedError),
        ("403_leaked", KeyRefusedError),
        ("404", ModelGoneError),
        ("404_retired", ModelGoneError),
        ("429", RateLimitedError),
        ("429_per_day", QuotaExhaustedError),
        ("429_prepay", QuotaExhaustedError),
        ("429_spend_cap", QuotaExhaustedError),
        ("499", UnavailableError),
        ("500", UnavailableError),
        ("503", UnavailableError),
        ("503_overloaded", UnavailableError),
        ("504", UnavailableError),
    ],
)
def test_every_recorded_error_is_classified(name: str, kind: type[GeminiError]) -> None:
    error = classified(name)
    assert type(error) is kind
    assert isinstance(error, TransientError) != isinstance(error, PermanentError)


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ((EXAMPLES / "gemini_error_429.json").read_text(), 34),
        # In words, where the details have none.
        (json.dumps({"error": {"code": 429, "message": "Slow down. Please retry in 12.5s."}}), 12.5),
    ],
)
def test_the_minutes_quota_says_how_long_to_wait(body: str, seconds: float) -> None:
    error = classify_response(429, body, model=MODEL, now=NOW)
    assert isinstance(error, RateLimitedError)
    assert error.retry_after_seconds == seconds


def test_the_days_quota_counts_even_with_a_short_delay() -> None:
    body = json.loads((EXAMPLES / "gemini_error_429_per_day.json").read_text())
    body["error"]["details"][-1]["retryDelay"] = "38.2s"
    error = classify_response(429, json.dumps(body), model=MODEL, now=NOW)
    assert isinstance(error, QuotaExhaustedError)
    assert (error.blocked_until, error.whole_project) == (MIDNIGHT_PACIFIC, False)


def test_an_empty_account_stops_every_model() -> None:
    for name in ("429_prepay", "429_spend_cap"):
        error = classified(name)
        assert isinstance(error, QuotaExhaustedError)
        assert error.whole_project


def test_a_limit_of_zero_is_not_waited_for() -> None:
    body = (EXAMPLES / "gemini_error_429.json").read_text().replace("limit: 5,", "limit: 0,")
    assert isinstance(classify_response(429, body, model=MODEL, now=NOW), QuotaExhaustedError)


@given(st.integers(201, 599), st.text(max_size=200) | st.binary(max_size=50).map(repr))
def test_any_body_is_classified(status: int, body: str) -> None:
    error = classify_response(status, body, model=MODEL, now=NOW)
    assert str(status) in str(error)
    assert len(str(error)) < 600


@pytest.mark.parametrize(
    "error", ["text", 5, None, [], {"details": [{"violations": "many"}]}, {"details": {}}, {"message": 7}]
)
def test_an_odd_error_object_is_classified(error: object) -> None:
    assert isinstance(
        classify_response(429, json.dumps({"error": error}), model=MODEL, now=NOW), RateLimitedError
    )


@pytest.mark.parametrize(
    ("now", "day", "next_day"),
    [
        ("2026-11-24T07:59:00+00:00", date(2026, 11, 23), "2026-11-24T08:00:00+00:00"),
        ("2026-11-24T08:00:00+00:00", date(2026, 11, 24), "2026-11-25T08:00:00+00:00"),
        # The day on which the clocks go forward has 23 hours, the one on which they go back 25.
        ("2026-03-08T08:00:00+00:00", date(2026, 3, 8), "2026-03-09T07:00:00+00:00"),
        ("2026-11-01T07:00:00+00:00", date(2026, 11, 1), "2026-11-02T08:00:00+00:00"),
    ],
)
def test_the_vendors_day_begins_at_midnight_in_los_angeles(now: str, day: date, next_day: str) -> None:
    moment = datetime.fromisoformat(now)
    assert quota_day(moment) == day
    assert next_quota_day(moment) == datetime.fromisoformat(next_day)


@given(st.integers(1_577_836_800, 2_208_988_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)))
def test_a_block_ends_within_25_hours_on_another_day(now: datetime) -> None:
    until = next_quota_day(now)
    assert timedelta(0) < until - now <= timedelta(hours=25)
    assert quota_day(until) == quota_day(now) + timedelta(days=1)


def test_a_call_costs_its_tokens_at_the_price_of_the_day_and_of_the_dearest_model_where_it_is_unknown() -> (
    None
):
    tokens = {"input_tokens": 1_000_000, "output_tokens": 100_000}
    assert cost_usd(MODEL, date(2026, 11, 24), **tokens) == Decimal("1.125")
    assert cost_usd(MODEL, date(2027, 1, 1), **tokens) == Decimal("2.25")
    dearest = max(price.output_usd for price in PRICES)
    assert cost_usd("gemini-9", NOW.date(), input_tokens=0, output_tokens=1_000_000) == dearest
