"""`make run`: the whole stack with one command, and Ctrl-C ends it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import httpx

from bongsu.servers import ports
from docs.pages import ROOT
from servers.surroundings import unmeasured
from servers.waiting import HANG_SECONDS, eventually_sync
from system.conftest import alive

# Of the `make` that runs the tests.
OF_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "ARGS")


def test_make_run_brings_everything_up_and_ctrl_c_ends_it_in_silence(home: Path) -> None:
    port, data, printed = ports.free_port(), home / "data", home / "printed"
    environment = {name: value for name, value in unmeasured().items() if name not in OF_MAKE}
    with printed.open("wb") as output:
        making = subprocess.Popen(
            ["make", "run", f"ARGS=--ephemeral --no-ui --port {port} --data-dir {data}"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        eventually_sync(lambda: (data / "run.json").exists() or making.poll() is not None)
        document = json.loads((data / "run.json").read_text())
        url = f"http://127.0.0.1:{port}/health/live"
        assert httpx.get(url, trust_env=False, timeout=HANG_SECONDS).status_code == 200
        # A terminal tells all that it shows.
        os.killpg(making.pid, signal.SIGINT)
        making.wait(HANG_SECONDS)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(making.pid, signal.SIGTERM)
        making.wait(HANG_SECONDS)
        text = printed.read_text(encoding="utf-8")
        print(text)
    assert f"everything is up: http://127.0.0.1:{port}/" in text
    assert "Error" not in text
    assert "Traceback" not in text
    assert alive(document["pids"]) == {}
