from typing import Any

import pytest

from simulator_control import FaultKind, Faults, InvalidFaultError

SLOW = FaultKind("slow", "answers late", {"delay_seconds": "5"})
RESET = FaultKind("reset", "cuts the connection")


def test_a_counted_fault_is_used_up() -> None:
    faults = Faults([SLOW, RESET], lambda *_: None)
    faults.add("slow", count=2, params={"delay_seconds": 1})
    assert [fault.kind if fault else None for fault in (faults.take("slow") for _ in range(3))] == [
        "slow",
        "slow",
        None,
    ]


def test_a_timed_fault_ends_by_itself_and_another_stays() -> None:
    faults = Faults([SLOW, RESET], lambda *_: None)
    faults.add("slow", seconds=1e-9)
    faults.add("reset")
    assert [fault.kind for fault in faults.active()] == ["reset"]
    assert all(faults.take("reset") for _ in range(5))


def test_only_the_asked_kinds_are_taken_oldest_first() -> None:
    faults = Faults([SLOW, RESET], lambda *_: None)
    first = faults.add("slow")
    faults.add("slow")
    faults.add("reset")
    taken = faults.take("slow")
    assert taken is not None
    assert taken.id == first.id
    assert faults.take("hang") is None


def test_faults_are_switched_off_by_kind_or_all() -> None:
    faults = Faults([SLOW, RESET], lambda *_: None)
    for kind in ("slow", "slow", "reset"):
        faults.add(kind)
    assert faults.clear("slow") == 2
    assert faults.clear() == 1
    assert faults.active() == []


@pytest.mark.parametrize(
    ("kind", "limits", "reason"),
    [
        ("slowly", {}, "kind 'slowly' is unknown; GET /_control/faults"),
        ("slow", {"seconds": 0}, "seconds must be a number above 0"),
        ("slow", {"seconds": float("nan")}, "seconds must be"),
        ("slow", {"seconds": True}, "seconds must be"),
        ("slow", {"seconds": 10**400}, "seconds must be"),
        ("slow", {"count": -1}, "count must be a whole number above 0"),
        ("slow", {"count": 1.5}, "count must be"),
        ("slow", {"params": {"delay": 1}}, r"params\.delay is unknown for slow; it takes: delay_seconds"),
        ("reset", {"params": {"x": 1}}, "it takes: none"),
    ],
)
def test_a_wrong_fault_is_refused_with_its_field(kind: str, limits: dict[str, Any], reason: str) -> None:
    faults = Faults([SLOW, RESET], lambda *_: None)
    with pytest.raises(InvalidFaultError, match=reason):
        faults.add(kind, **limits)
    assert faults.active() == []
