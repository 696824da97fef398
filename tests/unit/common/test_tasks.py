"""Background tasks: they begin again after an error, and end although their cancellation is swallowed."""

import asyncio

import pytest

from common import tasks
from common.tasks import Background, cancel_tasks


async def swallows(cancellations: int) -> None:
    for _ in range(cancellations):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue
    await asyncio.sleep(60)


async def fails() -> None:
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        raise ValueError("too late") from None


@pytest.mark.parametrize("cancellations", [0, 1, 3])
async def test_a_swallowed_cancellation_is_sent_again(cancellations: int) -> None:
    task = asyncio.create_task(swallows(cancellations))
    await asyncio.sleep(0)
    await asyncio.wait_for(cancel_tasks([task, None]), 60)
    assert task.cancelled()


async def test_how_a_task_ends_is_ignored() -> None:
    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    await asyncio.wait_for(cancel_tasks([task]), 60)
    assert isinstance(task.exception(), ValueError)


async def test_what_has_ended_or_never_began_is_left_alone() -> None:
    task = asyncio.create_task(asyncio.sleep(0, "done"))
    await task
    for ended in ([task], [], [None]):
        await cancel_tasks(ended)
    assert task.result() == "done"
    await Background("a loop", fails).stop()


async def test_a_background_loop_begins_again_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "PAUSE_SECONDS", 0)
    begun = asyncio.Event()
    runs: list[int] = []

    async def work() -> None:
        runs.append(len(runs))
        if len(runs) == 1:
            raise ValueError("the first time")
        begun.set()
        await swallows(1)

    background = Background("a loop", work)
    background.start()
    await asyncio.wait_for(begun.wait(), 60)
    await asyncio.wait_for(background.stop(), 60)
    assert runs == [0, 1]


async def test_a_loop_that_fails_does_not_disturb_the_others_and_all_end_together() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def goes_on() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    async def breaks() -> None:
        await begun.wait()
        raise ValueError("a bug")

    background = Background("two loops", breaks, goes_on)
    background.start()
    await asyncio.wait_for(begun.wait(), 60)
    await asyncio.sleep(0)
    assert not ended.is_set()
    await background.stop()
    assert ended.is_set()
