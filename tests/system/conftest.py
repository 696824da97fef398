"""`bongsu up` as its users run it: a process, a folder, a port."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from bongsu.servers import ports
from bongsu.servers.pids import process_start_time
from servers.fixtures import passable_folder
from servers.surroundings import unmeasured
from servers.waiting import HANG_SECONDS, eventually_sync


class Run:
    """One `bongsu up` that was started."""

    def __init__(
        self,
        folder: Path,
        *options: str,
        port: int | None = None,
        ignore_int: bool = False,
        **environment: str,
    ) -> None:
        self.folder = folder
        self.port = port or ports.free_port()
        self.output = folder.with_name(f"{folder.name}.{self.port}.out")
        command = [sys.executable, "-m", "bongsu", "up", "--data-dir", str(folder), "--port", str(self.port)]
        # A job that a script puts into the background starts like this.
        ignored = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"] if ignore_int else []
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [*ignored, *command, *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=unmeasured(**environment),
            )

    @property
    def text(self) -> str:
        """What it has printed so far."""
        return self.output.read_text(encoding="utf-8")

    @property
    def document(self) -> dict[str, Any]:
        """What run.json says now."""
        return dict(json.loads((self.folder / "run.json").read_text(encoding="utf-8")))

    def until_up(self) -> Run:
        """Wait for run.json; fails with the output where the run ends instead."""
        eventually_sync(lambda: self._is_up() or self._ended())
        return self

    def until(self, text: str, within: float = HANG_SECONDS) -> str:
        """Wait until a line with `text` was printed and return that line."""
        eventually_sync(lambda: text in self.text or self._ended(), within=within)
        return next(line for line in self.text.splitlines() if text in line)

    def health(self) -> dict[str, Any]:
        """Return the answer of /health/detail, {} while there is none."""
        try:
            return dict(httpx.get(f"http://127.0.0.1:{self.port}/health/detail", timeout=10).json())
        except (httpx.HTTPError, ValueError):
            return {}

    def ends(self) -> int:
        """Wait for its end and return the exit code."""
        return self.process.wait(HANG_SECONDS)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.ends()

    def end(self) -> None:
        """Stop it, if it runs, with all that it has started; TimeoutExpired where that had to be killed."""
        if self.process.poll() is not None:
            return
        family = psutil.Process(self.process.pid).children(recursive=True)
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            for process in family:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            self.process.kill()
            raise

    def _is_up(self) -> bool:
        # A run that was killed left its own file.
        return (self.folder / "run.json").exists() and self.document["pid"] == self.process.pid

    def _ended(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"bongsu up ended: {self.text[-2000:]}")
        return False


Start = Callable[..., Run]


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder for data dirs, short and passable for PostgreSQL's user."""
    with passable_folder() as folder:
        yield folder


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    """Start a `bongsu up`; whatever is still running in the end is stopped."""
    runs: list[Run] = []

    def begin(*options: str, folder: Path | None = None, **how: Any) -> Run:
        runs.append(Run(folder or home / "data", *options, **how))
        return runs[-1]

    yield begin
    for run in runs:
        run.end()


def alive(pids: dict[str, int]) -> dict[str, int]:
    """Return those of `pids` that still are processes."""
    return {name: pid for name, pid in pids.items() if process_start_time(pid)}


def as_root() -> bool:
    """Return whether the tests run as root."""
    return os.geteuid() == 0


@pytest.fixture
def recording(home: Path) -> Path:
    """A made-up recording: an hour of KRW-BTC, rising 1,000 won a minute."""
    rows = [
        {
            "market": "KRW-BTC",
            "candle_date_time_utc": f"2020-02-20T17:{minute:02}:00",
            "candle_date_time_kst": f"2020-02-21T02:{minute:02}:00",
            "opening_price": 11_000_000 + 1000 * minute,
            "high_price": 11_001_000 + 1000 * minute,
            "low_price": 11_000_000 + 1000 * minute,
            "trade_price": 11_001_000 + 1000 * minute,
            "timestamp": 1_582_218_059_000 + 60_000 * minute,
            "candle_acc_trade_price": 55_000_000.5,
            "candle_acc_trade_volume": 5.25,
            "unit": 1,
        }
        for minute in reversed(range(60))
    ]
    path = home / "hour.json"
    path.write_text(json.dumps(rows))
    return path
