"""The watchdog: a process whose event loop stands still ends, and only that one."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from common.runtime import watchdog
from servers.services import service
from servers.waiting import HANG_SECONDS, eventually

TESTS = Path(__file__).parents[3]
# Two beats at least.
LIMIT_SECONDS = 2.5
LOOPING = "integration.common.runtime.looping"


async def test_a_loop_that_stands_still_ends_the_process_and_its_stack_is_printed(tmp_path: Path) -> None:
    with service(LOOPING, tmp_path / "log", str(LIMIT_SECONDS), "blocked", PYTHONPATH=str(TESTS)) as running:
        assert running.process.wait(HANG_SECONDS) == watchdog.EXIT_CODE
        text = running.log.read_text(encoding="utf-8")
    assert "the event loop stood still for 2 s, stacks follow" in text
    assert "in block_the_loop" in text


async def test_a_loop_that_stands_still_ends_the_process_though_no_one_reads_why(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log")
    reader = os.open(tmp_path / "log", os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(tmp_path / "log", os.O_WRONLY | os.O_NONBLOCK)
    for _ in range(16):
        os.write(writer, b"\n" * 4096)
    with service(LOOPING, tmp_path / "log", str(LIMIT_SECONDS), "blocked", PYTHONPATH=str(TESTS)) as running:
        assert running.process.wait(HANG_SECONDS) == watchdog.EXIT_CODE
    os.close(reader)
    os.close(writer)


async def test_a_process_that_was_frozen_as_a_whole_goes_on(tmp_path: Path) -> None:
    # A machine that is merely busy does not hold a loop up for so long.
    limit_seconds = 2 * LIMIT_SECONDS
    with service(LOOPING, tmp_path / "log", str(limit_seconds), PYTHONPATH=str(TESTS)) as running:
        beats = await turned(running.log, more_than=0)
        running.process.send_signal(signal.SIGSTOP)
        frozen = time.monotonic()
        await eventually(lambda: time.monotonic() - frozen > limit_seconds + 0.5)
        running.process.send_signal(signal.SIGCONT)
        await turned(running.log, more_than=beats + 15)
        assert running.process.poll() is None


async def turned(log: Path, *, more_than: int) -> int:
    """Return how often the loop has turned, once that is more."""

    def turns() -> int:
        found = len(log.read_bytes())
        return found if found > more_than else 0

    return await eventually(turns)
