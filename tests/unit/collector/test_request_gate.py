"""How long does the next request to Upbit wait?"""

from __future__ import annotations

import time

import pytest

from collector.upbit import RequestGate
from servers.waiting import eventually

PASSED_SECONDS = 0.3


def answer(gate: RequestGate, *, left: int, group: str = "candles") -> None:
    gate.note(200, {"Remaining-Req": f"group={group}; min=600; sec={left}"}, "")


async def passing(seconds: float) -> None:
    began = time.monotonic()
    await eventually(lambda: time.monotonic() - began >= seconds)


async def test_a_used_up_second_is_waited_for_from_its_first_answer() -> None:
    gate = RequestGate()
    answer(gate, left=9)
    await passing(PASSED_SECONDS)
    answer(gate, left=0)
    assert 0 < gate.blocked_seconds <= 1 - PASSED_SECONDS


async def test_an_answer_with_as_many_left_begins_another_second() -> None:
    gate = RequestGate()
    answer(gate, left=9)
    await passing(PASSED_SECONDS)
    answer(gate, left=9)
    answer(gate, left=0)
    assert gate.blocked_seconds == pytest.approx(1, abs=0.1)


async def test_a_first_answer_with_none_left_waits_a_whole_second() -> None:
    gate = RequestGate()
    answer(gate, left=0)
    assert gate.blocked_seconds == pytest.approx(1, abs=0.1)


async def test_another_group_has_a_second_of_its_own() -> None:
    gate = RequestGate()
    answer(gate, left=9, group="ticker")
    await passing(PASSED_SECONDS)
    answer(gate, left=0)
    assert gate.blocked_seconds == pytest.approx(1, abs=0.1)
