from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from common.errors import PermanentError, TransientError
from common.retry import Dependency, with_retry
from common.telemetry.jobs import JobOwner, track_job
from servers.waiting import eventually
from unit.common.printed import Printed

OWNER = JobOwner("collector", "collector-1", lambda _: None)
TRIES = 4


def soon(message: str = "503") -> TransientError:
    """An error whose server asked for next to no wait."""
    return TransientError(message, retry_after_seconds=0.001)


class Upbit:
    """A dependency that answers with these errors, then with `fine`; it counts its requests."""

    def __init__(self, errors: Iterable[Exception] = ()) -> None:
        self.errors = list(errors)
        self.requests = 0

    async def ask(self, market: str = "KRW-BTC") -> str:
        self.requests += 1
        if self.errors:
            raise self.errors.pop(0)
        return f"fine {market}"


async def test_a_call_is_tried_once_and_then_three_more_times(printed: Printed) -> None:
    errors = [soon(f"503 number {number}") for number in range(TRIES)]
    upbit = Upbit(errors)
    with pytest.raises(TransientError) as caught:
        await with_retry()(upbit.ask)()
    assert caught.value is errors[-1]
    assert upbit.requests == TRIES
    scheduled = printed.lines("retry.scheduled")
    assert [(line["level"], line["attempt"], line["error"]) for line in scheduled] == [
        ("warning", 1, "503 number 0"),
        ("warning", 2, "503 number 1"),
        ("warning", 3, "503 number 2"),
    ]
    (exhausted,) = printed.lines("retry.exhausted")
    assert (exhausted["level"], exhausted["attempts"], exhausted["error"]) == ("error", 4, "503 number 3")
    assert "ask" in exhausted["dependency"]


async def test_a_call_that_succeeds_at_last_gives_its_answer() -> None:
    upbit = Upbit([soon(), soon(), soon()])
    assert await with_retry()(upbit.ask)("KRW-ETH") == "fine KRW-ETH"
    assert upbit.requests == TRIES


@pytest.mark.parametrize(("retry", "seconds"), [(0, 1.0), (1, 2.0), (2, 4.0)])
async def test_delays_are_1_2_and_4_seconds_lengthened_by_at_most_a_tenth(
    retry: int, seconds: float, printed: Printed
) -> None:
    def call() -> Upbit:
        return Upbit([soon()] * retry + [TransientError("503")] * TRIES)

    running = [asyncio.create_task(with_retry()(call().ask)()) for _ in range(30)]

    def delays() -> list[float]:
        lines = printed.lines("retry.scheduled")
        return [line["delay_seconds"] for line in lines if line["attempt"] == retry + 1]

    await eventually(lambda: len(delays()) == 30)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    assert all(seconds <= delay <= seconds * 1.1 for delay in delays())
    assert len(set(delays())) > 1


async def test_a_delay_that_the_server_names_wins(printed: Printed) -> None:
    running = asyncio.create_task(with_retry()(Upbit([TransientError("429", retry_after_seconds=37)]).ask)())
    (line,) = await eventually(lambda: printed.lines("retry.scheduled"))
    running.cancel()
    assert line["delay_seconds"] == 37


async def test_a_cancelled_wait_is_no_retry() -> None:
    upbit = Upbit([TransientError("503")])
    running = asyncio.create_task(with_retry(base_delay=60)(upbit.ask)())
    await eventually(lambda: upbit.requests == 1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert upbit.requests == 1


async def test_a_permanent_error_is_raised_at_once(printed: Printed) -> None:
    error = PermanentError("unknown market")
    upbit = Upbit([error])
    with pytest.raises(PermanentError) as caught:
        await with_retry()(upbit.ask)()
    assert caught.value is error
    assert upbit.requests == 1
    assert printed.lines() == []


async def test_only_the_named_exceptions_are_retried() -> None:
    upbit = Upbit([KeyError("a"), soon()])
    with pytest.raises(TransientError):
        await with_retry(base_delay=0.001, exceptions=(KeyError,))(upbit.ask)()
    assert upbit.requests == 2


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


async def test_retries_count_as_attempts_of_the_job_that_runs() -> None:
    async with track_job("data_collection", owner=OWNER) as run:
        await with_retry()(Upbit([soon(), soon()]).ask)()
        await with_retry()(Upbit([soon()]).ask)()
    assert run.retries == 3
