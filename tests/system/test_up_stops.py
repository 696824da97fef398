"""`bongsu up` leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from bongsu.servers import ports
from bongsu.servers.pids import process_start_time
from servers.waiting import eventually_sync
from system.conftest import Start, alive
from system.test_up_refusals import refusal

FILES_OF_A_RUN = {"run.json", "lock", "children.json"}


# A job that a script puts into the background starts with INT ignored.
@pytest.mark.parametrize(("number", "ignore_int"), [(signal.SIGINT, True), (signal.SIGTERM, False)])
def test_a_signal_stops_everything(start: Start, number: signal.Signals, ignore_int: bool) -> None:
    run = start(ignore_int=ignore_int).until_up()
    document = run.document
    assert run.stop(number) == 0
    assert alive(document["pids"]) == {}
    assert not FILES_OF_A_RUN & {path.name for path in run.folder.iterdir()}
    for url in ("database_url", "nats_url", "health_url", "upbit_url", "gemini_url"):
        assert ports.is_free(int(document[url].rpartition(":")[2].partition("/")[0]))


def test_a_signal_while_starting_leaves_nothing(start: Start) -> None:
    run = start()
    run.until("starting postgres")
    assert run.stop() == 0
    assert not FILES_OF_A_RUN & {path.name for path in run.folder.iterdir()}


def test_a_second_start_names_the_holder_and_once_that_is_killed_with_its_children_goes_on(
    start: Start,
) -> None:
    run = start().until_up()
    code, line = refusal("up", "--data-dir", str(run.folder), "--port", str(ports.free_port()))
    assert code == 1
    assert f"is held by process {run.process.pid} since 20" in line
    pids = run.document["pids"]
    run.process.kill()
    run.process.wait()
    eventually_sync(lambda: not alive(pids))
    again = start(port=run.port).until_up()
    assert set(again.document["pids"]) == set(pids)
    assert again.stop() == 0


def test_a_second_signal_does_not_wait_for_a_frozen_child(start: Start) -> None:
    run = start().until_up()
    frozen = run.document["pids"]["collector"]
    os.kill(frozen, signal.SIGSTOP)
    run.process.send_signal(signal.SIGTERM)
    run.until("stopping")
    run.process.send_signal(signal.SIGTERM)
    assert run.ends() == 0
    assert process_start_time(frozen) == ""


def test_an_ephemeral_run_below_a_folder_that_only_its_owner_may_enter_leaves_no_folder(
    start: Start, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    run = start("--ephemeral", folder=closed / "data").until_up()
    assert run.stop() == 0
    assert closed.stat().st_mode & 0o777 == 0o700
    assert not run.folder.exists()
