"""How does a test get a simulator of its own? A real process on a free port, stopped at the end."""

import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from servers.waiting import eventually_sync

START_SECONDS = 15.0
STOP_SECONDS = 5.0


@dataclass(frozen=True)
class Simulator:
    """A running simulator; `url` is scheme, host and port."""

    url: str
    process: subprocess.Popen[str]

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http://", "ws://") + "/websocket/v1"

    def get(self, path: str) -> Any:
        """Return the JSON of a route."""
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return json.load(answer)

    def switch_on(self, kind: str, *, count: int | None = None, **params: object) -> None:
        """Switch a fault on."""
        fault = {"kind": kind, "params": params} | ({"count": count} if count else {})
        request = urllib.request.Request(f"{self.url}/_control/faults", json.dumps(fault).encode())
        urllib.request.urlopen(request, timeout=5).close()

    def switch_all_off(self) -> None:
        """Switch every fault off."""
        request = urllib.request.Request(f"{self.url}/_control/faults", method="DELETE")
        urllib.request.urlopen(request, timeout=5).close()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def simulator(*options: str) -> Iterator[Simulator]:
    """Run `python -m upbit_simulator` with these options."""
    port = free_port()
    command = [sys.executable, "-m", "upbit_simulator", "--port", str(port), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    running = Simulator(f"http://127.0.0.1:{port}", process)
    try:
        eventually_sync(lambda: _listens(running), START_SECONDS)
        yield running
    finally:
        process.terminate()
        process.communicate(timeout=STOP_SECONDS)


def _listens(running: Simulator) -> bool:
    if running.process.poll() is not None:
        raise RuntimeError(f"the simulator ended: {running.process.communicate()[1]}")
    try:
        running.get("/_control/clock")
    except OSError:
        return False
    return True
