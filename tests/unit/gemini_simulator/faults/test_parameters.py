from typing import Any

import pytest

from gemini_simulator.faults.kinds import GeminiFaults
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
