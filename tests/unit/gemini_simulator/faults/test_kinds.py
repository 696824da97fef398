from typing import Any

import pytest

from gemini_simulator.api.call import Call
from gemini_simulator.faults.kinds import GeminiFaults

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
