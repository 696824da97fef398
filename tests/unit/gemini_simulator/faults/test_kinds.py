from typing import Any

import pytest

from gemini_simulator.api.call import Call
from gemini_simulator.faults.kinds import GeminiFaults
from simulator_control import InvalidFaultError

GENERATE = "GenerativeService.GenerateContent"
ON_FLASH = Call("v1beta", GENERATE, "gemini-3.8-flash", "gemini-3.8-flash")
ON_ROUTED = Call("v1beta", GENERATE, "gemini-3.5-flash", "gemini-3.6-flash")
LISTING = Call("v1beta", "ModelService.ListModels", "", "")


def test_a_fault_for_one_model_is_not_used_up_by_another() -> None:
    faults = GeminiFaults()
    faults.add("unavailable", count=1, params={"model": "models/gemini-3.6-flash"})
    assert faults.take_for(ON_FLASH, "unavailable") is None
    assert faults.take_for(ON_ROUTED, "slow", "unavailable")
    assert faults.active() == []


@pytest.mark.parametrize(
    ("kind", "params", "reached"),
    [
        ("hang", {}, True),
        ("reset", {}, True),
        ("reset", {"routes": "generations"}, False),
        ("unavailable", {}, False),
        ("unavailable", {"routes": "all"}, True),
        ("unavailable", {"routes": "all", "model": "gemini-3.8-flash"}, False),
        ("key_leaked", {}, True),
    ],
)
def test_a_fault_reaches_the_model_list_or_only_generations(
    kind: str, params: dict[str, Any], reached: bool
) -> None:
    faults = GeminiFaults()
    faults.add(kind, count=1, params=params)
    assert bool(faults.take_for(LISTING, kind)) is reached
    assert bool(faults.take_for(ON_FLASH, kind)) is not reached


@pytest.mark.parametrize(
    ("kind", "params", "reason"),
    [
        ("slow", {"delay_seconds": "soon"}, "params.delay_seconds must be a number"),
        ("slow", {"delay_seconds": -1}, "params.delay_seconds must be from 0"),
        ("slow", {"delay_seconds": float("nan")}, "params.delay_seconds must be a number"),
        ("slow", {"delay_seconds": True}, "params.delay_seconds must be a number"),
        ("drip", {"bytes_per_second": 0}, "params.bytes_per_second must be above 0"),
        ("http_error", {"status": 200}, "params.status must be a whole number from 400 to 599"),
        ("http_error", {"status": 500.5}, "params.status must be"),
        ("unavailable", {"model": 3}, "params.model must be text"),
        ("unavailable", {"retry": 3}, "params.retry is unknown"),
        ("hang", {"routes": "some"}, 'params.routes must be "all" or "generations"'),
        ("hang", {"routes": ["all"]}, "params.routes must be"),
        ("fenced_json", {"routes": "all"}, "params.routes is unknown"),
        ("quota_per_day", {"violations": []}, "params.violations must be a list"),
        ("quota_per_day", {"violations": "requests_per_day"}, "params.violations must be a list"),
        ("quota_per_day", {"violations": ["requests_per_year"]}, "requests_per_minute, requests_per_day"),
        ("quota_per_day", {"violations": [["requests_per_day"]]}, "params.violations must be a list"),
        ("quota_per_minute", {"retry_delay_seconds": None}, "params.retry_delay_seconds must be a number"),
    ],
)
def test_a_wrong_parameter_is_refused_when_it_is_given(
    kind: str, params: dict[str, Any], reason: str
) -> None:
    faults = GeminiFaults()
    with pytest.raises(InvalidFaultError, match=reason):
        faults.add(kind, params=params)
    assert faults.active() == []
