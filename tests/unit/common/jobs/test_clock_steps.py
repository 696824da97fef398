"""Steps of the wall clock: noticed when it is set, not when it is slowly corrected."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import pytest

from common.jobs import clock_steps
from common.jobs.clock_steps import wall_clock_offset, watch_steps


async def steps_seen(offsets: list[float]) -> list[float]:
    """Return what is reported while wall time is ahead by each of these offsets in turn."""
    steps: list[float] = []
    coming: Iterator[float] = iter(offsets)
    over = asyncio.Event()

    def offset() -> float:
        try:
            return next(coming)
        except StopIteration:
            over.set()
            return offsets[-1]

    watching = asyncio.create_task(watch_steps(steps.append, offset=offset))
    await over.wait()
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    return steps


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look more often."""
    monkeypatch.setattr(clock_steps, "LOOK_SECONDS", 0.001)


@pytest.mark.parametrize("step", [3600.0, -3600.0, 86400.0, 1.0, -1.0])
async def test_a_step_is_reported_once(step: float) -> None:
    assert await steps_seen([100.0, 100.0, 100.0 + step, 100.0 + step]) == [step]


async def test_a_clock_that_is_slowly_put_right_is_no_step() -> None:
    assert await steps_seen([100.0 + 0.5 * look for look in range(20)]) == []


async def test_a_clock_that_runs_stays_where_it_is() -> None:
    before = wall_clock_offset()
    await asyncio.sleep(0)
    assert wall_clock_offset() == pytest.approx(before, abs=10)
