"""Simulators for tests: real processes on free ports, stopped at the end."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bongsu.servers import ports
from servers.surroundings import unmeasured
from servers.waiting import HANG_SECONDS, eventually_sync

# The real recordings stand beside the project, not in it.
_DATA = Path(__file__).parents[3] / "shared" / "data"
HOURS = _DATA / "upbit_1m_20200220_170000-20200220_202000.json"
JANUARY = _DATA / "upbit_ticks_2026-01.csv.gz"

needs_recordings = pytest.mark.skipif(
    not (HOURS.is_file() and JANUARY.is_file()), reason=f"the real recordings are not in {_DATA}"
)


@dataclass(frozen=True)
class Controls:
    """Client of a running simulator; `url` is scheme, host and port."""

    url: str

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http://", "ws://") + "/websocket/v1"

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Any:
        """Return the JSON of a route."""
        request = urllib.request.Request(self.url + path, headers=dict(headers or {}))
        with urllib.request.urlopen(request, timeout=HANG_SECONDS) as answer:
            return json.load(answer)

    def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
        """Return status and JSON of a posted JSON body, of an error too."""
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), dict(headers or {}))
        try:
            with urllib.request.urlopen(request, timeout=HANG_SECONDS) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def switch_on(self, kind: str, *, count: int | None = None, **params: object) -> None:
        """Switch a fault on."""
        fault = {"kind": kind, "params": params} | ({"count": count} if count else {})
        request = urllib.request.Request(f"{self.url}/_control/faults", json.dumps(fault).encode())
        urllib.request.urlopen(request, timeout=HANG_SECONDS).close()

    def switch_all_off(self) -> None:
        """Switch every fault off."""
        request = urllib.request.Request(f"{self.url}/_control/faults", method="DELETE")
        urllib.request.urlopen(request, timeout=HANG_SECONDS).close()


@dataclass(frozen=True)
class Simulator(Controls):
    """A simulator that runs for one test."""

    process: subprocess.Popen[str]


@contextmanager
def simulator(module: str, *options: str, port: int | None = None) -> Iterator[Simulator]:
    """Run `python -m <module>`, `upbit_simulator` or `gemini_simulator`, with these options.

    With a `port` it comes back where one that was killed has been.
    """
    port = port or ports.free_port()
    command = [sys.executable, "-m", module, "--port", str(port), *options]
    process = subprocess.Popen(
        command, env=unmeasured(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    running = Simulator(f"http://127.0.0.1:{port}", process)
    try:
        eventually_sync(lambda: _listens(running))
        yield running
    finally:
        process.terminate()
        try:
            process.communicate(timeout=HANG_SECONDS)
        finally:
            process.kill()


def _listens(running: Simulator) -> bool:
    if running.process.poll() is not None:
        raise RuntimeError(f"the simulator ended: {running.process.communicate()[1]}")
    try:
        running.get("/_control/stats")
    except OSError:
        return False
    return True
