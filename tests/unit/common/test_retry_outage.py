from __future__ import annotations

import asyncio

import pytest

from common.errors import TransientError
from common.retry import CircuitBreaker, with_retry
from servers.waiting import eventually
from unit.common.flaky import TRIES, Upbit, soon
from unit.common.printed import Printed


async def test_after_two_exhausted_calls_in_a_row_each_goes_out_once_until_one_succeeds() -> None:
    upbit = Upbit()
    ask = with_retry()(upbit.ask)

    async def requests_of_a_call(failures: int) -> int:
        before = upbit.requests
        upbit.errors = [soon() for _ in range(failures)]
        await asyncio.gather(ask(), return_exceptions=True)
        return upbit.requests - before

    down = [await requests_of_a_call(TRIES) for _ in range(4)]
    back = [await requests_of_a_call(0), await requests_of_a_call(TRIES)]
    assert (down, back) == ([4, 4, 1, 1], [1, 4])


async def test_a_success_between_two_exhausted_calls_keeps_the_retries() -> None:
    upbit = Upbit([soon()] * TRIES)
    ask = with_retry()(upbit.ask)
    with pytest.raises(TransientError):
        await ask()
    await ask()
    upbit.errors = [soon()] * TRIES
    with pytest.raises(TransientError):
        await ask()
    upbit.errors = [soon()] * (TRIES - 1)
    assert await ask() == "fine KRW-BTC"


async def test_a_long_outage_costs_at_most_a_tenth_more_requests_than_calls() -> None:
    upbit = Upbit(soon() for _ in range(1000))
    ask = with_retry()(upbit.ask)
    for _ in range(100):
        await asyncio.gather(ask(), return_exceptions=True)
    assert upbit.requests <= 110


async def test_a_call_whose_time_ends_while_it_is_retried_is_given_up_like_one_that_used_its_retries() -> (
    None
):
    dependency, upbit = CircuitBreaker("upbit"), Upbit(TransientError("503") for _ in range(9))
    ask = with_retry(base_delay=60, breaker=dependency)(upbit.ask)
    for call in (1, 2):
        running = asyncio.ensure_future(ask())
        await eventually(lambda: upbit.requests == call)  # noqa: B023
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert dependency.is_open is (call == 2)
    with pytest.raises(TransientError):
        await ask()
    assert upbit.requests == 3


async def test_a_call_that_is_cancelled_before_its_first_answer_says_nothing_of_its_dependency() -> None:
    dependency = CircuitBreaker("upbit")

    async def hang() -> None:
        await asyncio.Event().wait()

    for _ in range(3):
        running = asyncio.ensure_future(with_retry(breaker=dependency)(hang)())
        await asyncio.wait({running}, timeout=0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert not dependency.is_open


async def test_the_calls_to_one_dependency_share_its_outage() -> None:
    dependency, upbit = CircuitBreaker("upbit"), Upbit([soon()] * 9)
    for _ in range(2):
        await asyncio.gather(with_retry(breaker=dependency)(upbit.ask)(), return_exceptions=True)
    assert dependency.is_open
    with pytest.raises(TransientError):
        await with_retry(breaker=dependency)(upbit.ask)()
    assert await with_retry(breaker=dependency)(upbit.ask)() == "fine KRW-BTC"
    assert not dependency.is_open


async def test_a_call_that_goes_out_once_says_that_it_did(printed: Printed) -> None:
    upbit = Upbit([soon()] * 9)
    ask = with_retry()(upbit.ask)
    for _ in range(3):
        await asyncio.gather(ask(), return_exceptions=True)
    assert [line["attempts"] for line in printed.lines("retry.exhausted")] == [4, 4, 1]
