from __future__ import annotations

import asyncio

import pytest

from common.errors import TransientError
from common.retry import Dependency, with_retry
from unit.common.flaky import TRIES, Upbit, soon


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


async def test_the_calls_to_one_dependency_share_its_outage() -> None:
    dependency, upbit = Dependency("upbit"), Upbit([soon()] * 9)
    for _ in range(2):
        await asyncio.gather(with_retry(dependency=dependency)(upbit.ask)(), return_exceptions=True)
    assert dependency.seems_down
    with pytest.raises(TransientError):
        await with_retry(dependency=dependency)(upbit.ask)()
    assert await with_retry(dependency=dependency)(upbit.ask)() == "fine KRW-BTC"
    assert not dependency.seems_down
