from __future__ import annotations

import pytest

from gemini_simulator.errors import ApiError
from gemini_simulator.quotas import Quotas


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
    assert 59 < float(str(refused["delay"])) <= 60
    quotas.take("b")


def test_the_days_quota_names_the_time_until_midnight_pacific() -> None:
    quotas = Quotas(per_minute=100, per_day=1)
    quotas.take("a")
    refused = refusal(quotas, "a")
    assert refused["quota"] == "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
    assert 0 <= float(str(refused["delay"])) <= 25 * 3600
