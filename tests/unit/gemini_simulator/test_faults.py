from __future__ import annotations

from typing import Any

import pytest

from gemini_simulator.errors import ApiError
from gemini_simulator.faults import GeminiFaults, error_of
from simulator_control import InvalidFaultError


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


def test_a_fault_for_one_model_is_not_used_up_by_another() -> None:
    faults = GeminiFaults()
    faults.add("unavailable", count=1, params={"model": "models/gemini-3.6-flash"})
    assert faults.take_for(("gemini-3.8-flash",), "unavailable") is None
    assert faults.take_for(("gemini-3.5-flash", "gemini-3.6-flash"), "slow", "unavailable")
    assert faults.active() == []


def test_the_retry_delay_is_spelled_as_it_was_given() -> None:
    faults = GeminiFaults()
    for given, wanted in ((0.6, "0.6s"), ("38.2", "38.2s"), (44788, "44788s"), (0, "0s")):
        fault = faults.add("quota_per_day", params={"retry_delay_seconds": given})
        error = error_of(fault, "gemini-3.8-flash")
        assert isinstance(error, ApiError)
        assert (error.details or [])[-1]["retryDelay"] == wanted
        assert f"retry in {wanted}." in str(error)
