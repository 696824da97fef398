"""How long is Upbit left alone after each of its answers?"""

from __future__ import annotations

import time

import pytest

from collector.upbit.rate_limiter import Block, RequestGate
from common.errors import TransientError
from servers.waiting import eventually

ABOUT = 0.5
PASSED_SECONDS = 0.3
STATED = '{"error": {"name": "blocked", "message": "Retry after 75 seconds"}}'


def remaining(requests: int) -> dict[str, str]:
    return {"Remaining-Req": f"group=candles; min=600; sec={requests}"}


def test_at_first_a_request_may_go_out_at_once() -> None:
    assert RequestGate().wait_seconds == 0


@pytest.mark.parametrize(
    ("replicas", "left", "pauses"), [(1, 1, False), (1, 0, True), (3, 3, False), (3, 2, True)]
)
def test_each_replica_leaves_a_request_of_this_second_to_every_other(
    replicas: int, left: int, *, pauses: bool
) -> None:
    gate = RequestGate(replicas=replicas)
    gate.note(200, remaining(left), "")
    assert gate.wait_seconds == pytest.approx(1.0 if pauses else 0.0, abs=ABOUT)


def test_too_many_requests_wait_for_the_next_second() -> None:
    gate = RequestGate()
    gate.note(429, {}, "")
    assert gate.wait_seconds == pytest.approx(1.0, abs=ABOUT)
    assert gate.block.seconds_left == 0


@pytest.mark.parametrize(("body", "seconds"), [("", 60), (STATED, 75), ("blocked for 30 s", 60)])
def test_a_block_lasts_as_long_as_upbit_states_and_a_minute_at_least(body: str, seconds: float) -> None:
    gate = RequestGate()
    gate.note(418, {}, body)
    assert gate.block.seconds_left == pytest.approx(seconds, abs=ABOUT)
    with pytest.raises(TransientError, match="Upbit has blocked this address for another"):
        gate.refuse_while_blocked()


def test_what_was_on_its_way_when_the_block_began_does_not_lengthen_it() -> None:
    gate = RequestGate()
    for status in (418, 200, 418):
        gate.note(status, {}, "")
    assert gate.block.seconds_left == pytest.approx(60, abs=ABOUT)


@pytest.mark.parametrize(("between", "seconds"), [((), 120), ((429,), 120), ((200,), 60), ((502,), 60)])
async def test_a_block_that_comes_again_is_twice_as_long(between: tuple[int, ...], seconds: float) -> None:
    gate = RequestGate()
    # Another collector was told of it, and its last moments are left.
    gate.take_over(Block(seconds_left=0.01, length_seconds=60))
    await gate.until_allowed()
    for status in (*between, 418):
        gate.note(status, {}, "")
    assert gate.block.seconds_left == pytest.approx(seconds, abs=ABOUT)


async def test_a_block_of_another_collector_holds_here_and_is_not_told_once_more() -> None:
    gate = RequestGate()
    gate.take_over(Block(seconds_left=50, length_seconds=120))
    gate.take_over(Block(seconds_left=20, length_seconds=60))
    assert gate.block.seconds_left == pytest.approx(50, abs=ABOUT)
    assert gate.block.length_seconds == 120
    assert await gate.untold_block(0.01) is None


async def test_a_block_stays_to_be_told_until_the_others_know_of_it() -> None:
    gate = RequestGate()
    gate.note(418, {}, "")
    assert await gate.untold_block(0.01) is not None
    assert await gate.untold_block(0.01) is not None
    gate.has_told()
    assert await gate.untold_block(0.01) is None


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
    assert 0 < gate.wait_seconds <= 1 - PASSED_SECONDS


async def test_an_answer_with_as_many_left_begins_another_second() -> None:
    gate = RequestGate()
    answer(gate, left=9)
    await passing(PASSED_SECONDS)
    answer(gate, left=9)
    answer(gate, left=0)
    assert gate.wait_seconds == pytest.approx(1, abs=0.1)


async def test_a_first_answer_with_none_left_waits_a_whole_second() -> None:
    gate = RequestGate()
    answer(gate, left=0)
    assert gate.wait_seconds == pytest.approx(1, abs=0.1)


async def test_another_group_has_a_second_of_its_own() -> None:
    gate = RequestGate()
    answer(gate, left=9, group="ticker")
    await passing(PASSED_SECONDS)
    answer(gate, left=0)
    assert gate.wait_seconds == pytest.approx(1, abs=0.1)
