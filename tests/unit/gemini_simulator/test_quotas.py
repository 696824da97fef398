from datetime import UTC, datetime

import pytest

from gemini_simulator.api.errors import ApiError
from gemini_simulator.quotas import Quotas, seconds_to_midnight


def refusal(quotas: Quotas, model: str) -> dict[str, object]:
    with pytest.raises(ApiError) as refused:
        quotas.take(model)
    assert refused.value.code == 429
    details = {str(detail["@type"]).rpartition(".")[2]: detail for detail in refused.value.details or []}
    return {
        "quota": details["QuotaFailure"]["violations"][0]["quotaId"],
        "value": details["QuotaFailure"]["violations"][0]["quotaValue"],
        "delay": float(details["RetryInfo"]["retryDelay"].removesuffix("s")),
    }


def test_the_minutes_quota_is_each_models_own() -> None:
    quotas = Quotas(per_minute=2, per_day=100)
    for model in ("a", "a", "b"):
        quotas.take(model)
    refused = refusal(quotas, "a")
    assert refused["quota"] == "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"
    assert refused["value"] == "2"
    assert 59 <= float(str(refused["delay"])) <= 60
    quotas.take("b")


def test_the_days_quota_names_the_time_until_midnight_pacific() -> None:
    quotas = Quotas(per_minute=100, per_day=1)
    quotas.take("a")
    refused = refusal(quotas, "a")
    assert refused["quota"] == "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
    assert 0 <= float(str(refused["delay"])) <= 25 * 3600


def test_the_vendors_day_ends_when_its_clocks_say_so() -> None:
    # On 7 March 2027 the clocks of Los Angeles are ordinary; a week later that day loses an hour.
    assert seconds_to_midnight(datetime(2027, 3, 7, 8, tzinfo=UTC)) == 24 * 3600
    assert seconds_to_midnight(datetime(2027, 3, 14, 8, tzinfo=UTC)) == 23 * 3600


def test_a_quota_of_nothing_refuses_at_once() -> None:
    assert refusal(Quotas(per_minute=0, per_day=9), "a")["value"] == "0"
