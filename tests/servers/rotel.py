"""A real OpenTelemetry collector in front of a test's receiver: the binary of the wheel `rotel`."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from bongsu.servers import ports
from servers.surroundings import surroundings
from servers.waiting import eventually

START_SECONDS = 10.0
STOP_SECONDS = 5.0


def rotel_binary() -> Path:
    """Return the collector's path; skips the test where its wheel is not made for this machine."""
    spec = find_spec("rotel")
    if spec is None or spec.origin is None:
        pytest.skip("the wheel rotel exists for Linux on x86_64 with Python 3.11 to 3.13 only")
    return Path(spec.origin).with_name("rotel-agent")


@asynccontextmanager
async def rotel(folder: Path, *, to: str) -> AsyncIterator[str]:
    """Run a collector that forwards over OTLP/HTTP to `to`; gives its own OTLP/HTTP address."""
    grpc, http = ports.free_port(), ports.free_port()
    log = folder / "rotel.log"
    command = [
        *(str(rotel_binary()), "start", "--exporter", "otlp"),
        *("--pid-file", str(folder / "rotel.pid"), "--log-file", str(folder / "rotel-agent.log")),
        *("--otlp-grpc-endpoint", f"127.0.0.1:{grpc}", "--otlp-http-endpoint", f"127.0.0.1:{http}"),
        *("--otlp-exporter-endpoint", to, "--otlp-exporter-protocol", "http"),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: ASYNC220  it returns at once
            command, env=surroundings(), stdout=output, stderr=subprocess.STDOUT
        )
    try:
        await eventually(lambda: not ports.is_free(http), START_SECONDS)
        yield f"http://127.0.0.1:{http}"
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)
