import pytest

from gemini_simulator.api.call import Call
from gemini_simulator.api.errors import ApiError
from gemini_simulator.faults.errors import error_of
from gemini_simulator.faults.kinds import GeminiFaults

GENERATE = "GenerativeService.GenerateContent"
ON_FLASH = Call("v1beta", GENERATE, "gemini-3.8-flash", "gemini-3.8-flash")
ON_ROUTED = Call("v1beta", GENERATE, "gemini-3.5-flash", "gemini-3.6-flash")
ON_ALIAS = Call("v1beta", GENERATE, "gemini-flash-latest", "gemini-3.8-flash")


def test_the_retry_delay_is_spelled_as_it_was_given() -> None:
    faults = GeminiFaults()
    for given, wanted in ((0.6, "0.6s"), ("38.2", "38.2s"), (44788, "44788s"), (0, "0s")):
        fault = faults.add("quota_per_day", params={"retry_delay_seconds": given})
        error = error_of(fault, ON_FLASH)
        assert isinstance(error, ApiError)
        assert (error.details or [])[-1]["retryDelay"] == wanted
        assert f"retry in {wanted}." in str(error)


@pytest.mark.parametrize(
    ("call", "retired", "successor"),
    [
        (ON_ROUTED, "gemini-3.5-flash", "gemini-3.8-flash"),
        (ON_ALIAS, "gemini-flash-latest", "gemini-4-hydrogen"),
        (ON_FLASH, "gemini-3.8-flash", "gemini-4-hydrogen"),
    ],
)
def test_a_retired_model_is_called_as_it_was_asked_for_and_names_another(
    call: Call, retired: str, successor: str
) -> None:
    fault = GeminiFaults().add("model_retired")
    assert str(error_of(fault, call)) == (
        f"This model models/{retired} is no longer available to new users. Please update your code to use"
        f" models/{successor}."
    )


def test_several_quotas_may_be_violated_at_once() -> None:
    named = ["requests_per_minute", "input_tokens_per_minute", "requests_per_day"]
    fault = GeminiFaults().add("quota_per_minute", params={"violations": named})
    error = error_of(fault, ON_FLASH)
    assert isinstance(error, ApiError)
    violations = (error.details or [])[1]["violations"]
    assert [(row["quotaId"], row["quotaValue"]) for row in violations] == [
        ("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "5"),
        ("GenerateContentInputTokensPerModelPerMinute-FreeTier", "250000"),
        ("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "20"),
    ]
    assert violations[1]["quotaMetric"].endswith("/generate_content_free_tier_input_token_count")
    assert str(error).count("\n* Quota exceeded for metric: ") == 3
    assert str(error).endswith("limit: 20, model: gemini-3.8-flash\nPlease retry in 34s.")
