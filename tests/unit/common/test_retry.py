from __future__ import annotations

import asyncio

import pytest

from common.errors import PermanentError, TransientError
from common.jobs.tracking import JobOwner, track_job
from common.retry import with_retry
from servers.waiting import eventually
from unit.common.flaky import TRIES, Upbit, soon
from unit.common.printed import Printed

OWNER = JobOwner("collector", "collector-1", lambda _: None)


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
    assert all("ask" in line["dependency"] for line in printed.lines())
    assert {line["error_type"] for line in printed.lines()} == {"TransientError"}


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

    running = [asyncio.ensure_future(with_retry()(call().ask)()) for _ in range(30)]

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
    running = asyncio.ensure_future(
        with_retry()(Upbit([TransientError("429", retry_after_seconds=37)]).ask)()
    )
    (line,) = await eventually(lambda: printed.lines("retry.scheduled"))
    running.cancel()
    assert line["delay_seconds"] == 37


async def test_a_cancelled_wait_is_no_retry() -> None:
    upbit = Upbit([TransientError("503")])
    running = asyncio.ensure_future(with_retry(base_delay=60)(upbit.ask)())
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


async def test_retries_count_as_attempts_of_the_job_that_runs() -> None:
    async with track_job("data_collection", owner=OWNER) as run:
        await with_retry()(Upbit([soon(), soon()]).ask)()
        await with_retry()(Upbit([soon()]).ask)()
    assert run.retries == 3
