"""Does a task end although what it calls swallows its cancellation?"""

import asyncio

import pytest

from common.tasks import cancel_tasks


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
    await asyncio.wait_for(cancel_tasks([task, None]), 5)
    assert task.cancelled()


async def test_how_a_task_ends_is_ignored() -> None:
    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    await asyncio.wait_for(cancel_tasks([task]), 5)
    assert isinstance(task.exception(), ValueError)


async def test_tasks_that_have_ended_are_left_alone() -> None:
    task = asyncio.create_task(asyncio.sleep(0, "done"))
    await task
    await cancel_tasks([task])
    assert task.result() == "done"


async def test_nothing_to_end_is_fine() -> None:
    await cancel_tasks([])
    await cancel_tasks([None])
