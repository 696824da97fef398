"""A service as the real process it is, started for one test and asked to end like every other."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.telemetry.names import LogEvent
from servers.surroundings import measured
from servers.waiting import HANG_SECONDS, eventually


@dataclass(frozen=True)
class ServiceProcess:
    """A running service and its log."""

    process: subprocess.Popen[bytes]
    log: Path

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the log lines of one event, oldest first."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [line for line in found if line["event"] == name]

    @property
    def last_line(self) -> str:
        """The end of its log."""
        return "".join(self.log.read_text(encoding="utf-8").splitlines()[-1:])

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(HANG_SECONDS)

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(HANG_SECONDS)


@contextmanager
def service(module: str, log: Path, *arguments: str, **environment: str) -> Iterator[ServiceProcess]:
    """Run `python -m <module> <arguments>` with this environment and nothing else of ours."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env=measured(**environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    running = ServiceProcess(process, log)
    try:
        yield running
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(HANG_SECONDS)


async def until_ready(*services: ServiceProcess) -> None:
    """Return once each of them is ready; AssertionError with the last line of one that is not."""

    def are_ready() -> bool:
        for each in services:
            assert each.events(LogEvent.SERVICE_READY), each.last_line
        return True

    await eventually(are_ready)
