"""Rows of the fault matrix on a service as a process of its own."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from faults.stack.running import TESTS, stopped
from harness.servers import Servers, scratch_folder, servers
from servers.services import ServiceProcess, service, until_ready
from servers.waiting import eventually

MINIMAL = "integration.common.minimal"
FROZEN_SECONDS = 60.0
GIVEN_UP_SECONDS = 80.0
BACK_SECONDS = 10.0
STEP_SECONDS = 5.0
FAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
STEPS = ("+1h", "+0", "-1h", "+0", "+1d", "+0")


@asynccontextmanager
async def minimal(running: Servers, **environment: str) -> AsyncIterator[ServiceProcess]:
    """Run the smallest service there is, whose job runs every second."""
    log = running.folder / "minimal.log"
    with service(MINIMAL, log, PYTHONPATH=str(TESTS), **running.urls("collector"), **environment) as process:
        await until_ready(process)
        yield process


async def frozen_for_long() -> str:
    """Stop a service for longer than the watchdog gives a loop, and let it go on."""
    async with servers() as running, minimal(running) as process:
        await until_job_runs(process, 5)
        process.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(FROZEN_SECONDS)
        process.process.send_signal(signal.SIGCONT)
        took = await until_job_runs(process, BACK_SECONDS)
        await stopped(process)
        return f"its job runs again after {took:.1f} s"


async def no_servers() -> str:
    """Start a service whose servers never come."""
    with scratch_folder() as folder:
        urls = {
            "DATABASE_URL": "postgresql://bongsu_collector:hunter22@127.0.0.1:9/bongsu",
            "NATS_URL": "nats://collector:hunter22@127.0.0.1:9",
        }
        began = time.monotonic()
        with service(MINIMAL, folder / "minimal.log", PYTHONPATH=str(TESTS), **urls) as process:
            code = await asyncio.to_thread(process.process.wait, GIVEN_UP_SECONDS)
            took = time.monotonic() - began
            lines = len(process.events("dependency.waiting"))
            assert "hunter22" not in process.log.read_text(encoding="utf-8")
        assert (code, lines >= 11) == (1, True), f"exit code {code}, {lines} lines"
        return f"exit code 1 after {took:.0f} s, {lines} lines that say what it waits for"


async def clock_set() -> str:
    """Set the wall clock of a service forth and back."""
    if not FAKETIME:
        raise AssertionError("not measured: libfaketime is not installed")
    async with servers() as running:
        offset = running.folder / "offset"
        offset.write_text("+0")
        faked = {
            "LD_PRELOAD": str(FAKETIME[0]),
            "FAKETIME_TIMESTAMP_FILE": str(offset),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_NO_CACHE": "1",
        }
        async with minimal(running, **faked) as process:
            await until_job_runs(process, STEP_SECONDS)
            slowest = 0.0
            for step in STEPS:
                offset.write_text(step)
                slowest = max(slowest, await until_job_runs(process, STEP_SECONDS))
            runs = [line["run_id"] for line in process.events("job.finished")]
            assert len(runs) == len(set(runs)), "a run was made twice"
            await stopped(process)
            return f"at most {slowest:.1f} s without a run, {len(runs)} runs, none twice"


async def until_job_runs(process: ServiceProcess, within: float) -> float:
    """Return after how many seconds its job has run twice more."""
    began, before = time.monotonic(), len(process.events("job.finished"))
    await eventually(lambda: len(process.events("job.finished")) >= before + 2, within)
    return time.monotonic() - began
