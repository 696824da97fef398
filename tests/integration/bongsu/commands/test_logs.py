"""`bongsu logs`: lines of all processes, followed, without secrets."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from bongsu.invocation import run
from servers.commands import started
from servers.waiting import HANG_SECONDS, eventually_sync

PASSWORD = "qT7xY2mN9pL4vB8wK1zR"


def line(second: int, event: str, *, level: str = "info", **fields: object) -> str:
    line = {"event": event, "level": level, "timestamp": f"2026-11-27T17:47:{second:02}.5Z", **fields}
    return json.dumps(line) + "\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data folder with the logs of a stack that has stopped."""
    logs = tmp_path / "logs"
    logs.mkdir()
    (tmp_path / "secrets.json").write_text(json.dumps({"nats.admin": PASSWORD}))
    (logs / "collector.log").write_text(line(1, "service.ready") + line(5, "bus.error", level="error"))
    (logs / "collector-2.log").write_text(line(3, "job.finished", duration_ms=1.25, reason=None))
    (logs / "postgres.log").write_text(
        f"2026-11-27 17:47:02.000 UTC [7] @  LOG:  password {PASSWORD}\nsecond line\n"
    )
    return tmp_path


def shown(home: Path, *arguments: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert run(["logs", "--data-dir", str(home), *arguments]) == (0, "")
    return capsys.readouterr().out.splitlines()


def test_a_person_reads_all_processes_in_order_without_secrets(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown(home, capsys=capsys) == [
        "2026-11-27 17:47:01 INFO     collector   service.ready",
        "2026-11-27 17:47:02 INFO     postgres    password ***",
        "    second line",
        "2026-11-27 17:47:03 INFO     collector-2 job.finished duration_ms=1.25",
        "2026-11-27 17:47:05 ERROR    collector   bus.error",
    ]


def test_a_program_gets_the_lines_themselves_and_an_object_for_every_other(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(home, "--json", capsys=capsys)
    assert lines[0] + "\n" == line(1, "service.ready")
    assert json.loads(lines[1]) == {
        "timestamp": "2026-11-27T17:47:02Z",
        "level": "info",
        "service": "postgres",
        "event": "password ***\nsecond line",
    }


@pytest.mark.parametrize(
    ("arguments", "events"),
    [
        ("--service collector", ["service.ready", "job.finished", "bus.error"]),
        ("--service collector-2 --service postgres", ["password", "job.finished"]),
        ("--level warning", ["bus.error"]),
        ("--lines 2", ["job.finished", "bus.error"]),
        ("--since 90s", []),
    ],
)
def test_only_what_was_asked_for_is_shown(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: str, events: list[str]
) -> None:
    lines = shown(home, *arguments.split(), capsys=capsys)
    assert [text.split()[4] for text in lines if not text.startswith(" ")] == events


def test_a_process_without_a_log_is_answered_with_those_there_are(home: Path) -> None:
    code, message = run(["logs", "--data-dir", str(home), "--service", "signaler"])
    assert code == 2
    assert message == (
        "--service 'signaler': there is no log of it; there are collector, collector-2, postgres"
    )


def test_where_no_logs_are_the_command_for_docker_is_named(tmp_path: Path) -> None:
    arguments = ["--data-dir", str(tmp_path), "--service", "collector", "--since", "1h", "--follow"]
    code, message = run(["logs", *arguments])
    assert code == 69
    assert message.endswith(
        "of a stack under Docker Compose: docker compose logs --follow --since 1h collector"
    )


def test_what_is_added_is_followed_until_ctrl_c(home: Path, tmp_path: Path) -> None:
    output = tmp_path / "output"
    with (
        output.open("wb") as file,
        started(
            *("logs", "--follow", "--lines", "1", "--data-dir", str(home)),
            stdout=file,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        eventually_sync(lambda: "bus.error" in output.read_text())
        with (home / "logs" / "collector.log").open("a") as log:
            log.write(line(9, "bus.connected"))
        (home / "logs" / "signaler.log").write_text(line(10, "service.starting"))
        eventually_sync(lambda: "signaler    service.starting" in output.read_text())
        process.send_signal(signal.SIGINT)
        assert process.wait(HANG_SECONDS) == 130
    assert [text.split()[4] for text in output.read_text().splitlines()] == [
        "bus.error",
        "bus.connected",
        "service.starting",
    ]


def test_a_reader_that_leaves_ends_the_following(home: Path) -> None:
    with started("logs", "--follow", "--data-dir", str(home)) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        with (home / "logs" / "collector.log").open("a") as log:
            log.write(line(9, "bus.connected"))
        _, err = process.communicate(timeout=HANG_SECONDS)
    assert (process.returncode, err) == (0, b"")
