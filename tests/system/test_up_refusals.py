"""`bongsu up` says in one line what is in its way, and what to do about it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bongsu.servers import ports
from servers.surroundings import unmeasured
from servers.waiting import HANG_SECONDS
from system.conftest import as_root

DEAD = "http://127.0.0.1:9"


def refusal(*arguments: str, **environment: str) -> tuple[int, str]:
    """Run a command line that must not start anything; returns exit code and stderr's only line."""
    result = subprocess.run(
        [sys.executable, "-m", "bongsu", *arguments],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        env=unmeasured(**environment),
    )
    assert len(result.stderr.splitlines()) == 1, result.stderr
    return result.returncode, result.stderr


def test_another_market_is_refused_with_the_command_for_a_new_folder(home: Path, recording: Path) -> None:
    folder = home / "data"
    folder.mkdir()
    (folder / "market.json").write_text('{"kind": "simulated", "seed": 1, "name": "the simulated market"}')
    code, line = refusal("up", "--data-dir", str(folder), "--replay", str(recording), "--speed", "60")
    assert code == 1
    assert 'make run ARGS="--data-dir' in line
    assert f"--replay {recording} --speed 60" in line
    assert (folder / "market.json").read_text().count("simulated") == 2


def test_a_taken_port_is_named_with_its_holder(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, line = refusal("up", "--data-dir", str(home / "data"), "--port", str(port))
    assert code == 1
    assert f"port {port} is taken by " in line
    assert f"(process {os.getpid()})" in line
    assert "--port" in line.partition("choose")[2]


def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    # Below /proc not even root may make a folder.
    closed = Path("/proc/sys") if as_root() else tmp_path / "closed"
    closed.mkdir(mode=0o500, exist_ok=True)
    code, line = refusal("up", "--data-dir", str(closed / "data"))
    assert code == (1 if as_root() else 77)
    assert f"{closed}/data: cannot be used as data dir (" in line
    assert "name one that you may write to: --data-dir DIR" in line


@pytest.mark.parametrize("name", ["notes", "notes/data"])
def test_a_file_and_what_is_below_one_is_no_data_dir(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes").write_text("")
    code, line = refusal("up", "--data-dir", str(tmp_path / name))
    assert code == 1
    assert f"{tmp_path}/{name}: cannot be used as data dir (Not a directory)" in line


def test_an_ephemeral_run_never_deletes_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "photo").write_text("")
    code, line = refusal("up", "--ephemeral", "--data-dir", str(tmp_path))
    assert code == 1
    assert "is not empty" in line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["up", "--prot", "1"], "--port"),
        (["up", "--speed", "2"], "give --replay FILE as well"),
        (["up", "--live", "--replay", "x"], "give only one of them"),
        (["up", "--port", "0"], "from 1 to 65535"),
        (["up", "--replay", "x", "--speed", "nan"], "must be more than 0"),
        (["fly"], "No such command"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_a_usage_error(arguments: list[str], said: str) -> None:
    code, line = refusal(*arguments)
    assert code == 2
    assert said in line


def test_a_missing_recording_is_named() -> None:
    code, line = refusal("up", "--replay", "/no/such/file.json")
    assert code == 1
    assert "/no/such/file.json: there is no such file" in line


def test_an_exchange_that_cannot_be_reached_is_named(home: Path) -> None:
    code, line = refusal(
        "up", "--live", "--data-dir", str(home / "d"), "--port", str(ports.free_port()), UPBIT_BASE_URL=DEAD
    )
    assert code == 69
    assert f"{DEAD} cannot be reached" in line
