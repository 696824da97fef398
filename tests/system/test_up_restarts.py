"""Does `bongsu up` start again what dies, at the same address?"""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from servers.waiting import eventually_sync
from system.conftest import Run, Start


def _healthy(run: Run) -> bool:
    return run.health().get("status") == "healthy"


def test_whatever_dies_is_started_again_and_health_recovers(start: Start) -> None:
    run = start().until_up()
    eventually_sync(lambda: _healthy(run), within=40)
    before = run.document
    for name in ("postgres", "nats", "upbit", "gemini", "signaler", "collector", "health"):
        os.kill(run.document["pids"][name], signal.SIGKILL)
        run.until(f"{name} died (signal 9), started again", within=10)
    after = run.document
    assert not set(after["pids"].values()) & set(before["pids"].values())
    assert {name: after[name] for name in after if name.endswith("_url")} == {
        name: before[name] for name in before if name.endswith("_url")
    }
    eventually_sync(lambda: _healthy(run), within=40)


@pytest.mark.parametrize("name", ["postgres", "nats"])
def test_a_frozen_server_shows_in_health_within_ten_seconds(start: Start, name: str) -> None:
    run = start().until_up()
    eventually_sync(lambda: _healthy(run), within=40)
    server = psutil.Process(run.document["pids"][name])
    # PostgreSQL's backends answer on their own.
    frozen = [server, *server.children(recursive=True)]
    for process in frozen:
        process.suspend()
    eventually_sync(lambda: not _healthy(run), within=10)
    for process in frozen:
        process.resume()
    eventually_sync(lambda: _healthy(run), within=20)
