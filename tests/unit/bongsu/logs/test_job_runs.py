"""`bongsu jobs --log`: counts of what a log says, and one line for what is no log."""

from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bongsu.invocation import run
from bongsu.logs import job_runs as job_log
from servers.commands import Ended

Printed = pytest.CaptureFixture[str]


def ago(minutes: int) -> str:
    """A time as a log spells it."""
    return f"{datetime.now(UTC) - timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S.%fZ}"


def finished(number: int = 1, **changes: Any) -> str:
    """The line of a run that ended `number` minutes ago, with the designed fields and no others."""
    fields = {
        "timestamp": ago(number),
        "level": "info",
        "event": "job.finished",
        "metric_type": "job",
        "job_name": "gap_repair",
        "run_id": f"run-{number}",
        "outcome": "ok",
        "success": True,
        "duration_ms": 10.25,
        "attempts": 1,
        "error": None,
        "service": "collector",
        "trace_id": "0" * 32,
        "span_id": "0" * 16,
    }
    return json.dumps(fields | changes) + "\n"


def retry(event: str, dependency: str, number: int = 1) -> str:
    return (
        json.dumps({"timestamp": ago(number), "event": event, "dependency": dependency, "attempt": 1}) + "\n"
    )


def jobs(capsys: Printed, *arguments: str) -> Ended:
    code, message = run(["jobs", *arguments])
    printed = capsys.readouterr()
    return Ended(code, printed.out, printed.err + (f"bongsu: {message}\n" if message else ""))


def read(capsys: Printed, content: str | bytes, *options: str) -> Ended:
    """Read a log of that content as a program does."""
    Path("app.log").write_bytes(content.encode() if isinstance(content, str) else content)
    return jobs(capsys, "--log", "app.log", "--json", *options)


def test_runs_and_retries_are_counted_and_other_lines_are_not(capsys: Printed) -> None:
    ended = read(
        capsys,
        finished(1, duration_ms=20.5, attempts=2)
        + json.dumps({"event": "service.ready", "level": "info"})
        + "\n\n"
        + finished(2, outcome="failed", success=False, error="TransientError: 503")
        + finished(3, outcome="skipped", success=False, reason="late", count=4)
        + retry("retry.scheduled", "upbit")
        + retry("retry.scheduled", "gemini")
        + retry("retry.scheduled", "upbit")
        + retry("retry.exhausted", "gemini"),
    )
    assert (ended.code, ended.err) == (0, "")
    [row] = ended.document["jobs"]
    assert row == {
        "service": "collector",
        "job": "gap_repair",
        "runs": 2,
        "ok": 1,
        "failed": 1,
        "skipped": 4,
        "success_rate": 50.0,
        "p50_ms": 15.375,
        "p95_ms": row["p95_ms"],
        "p99_ms": row["p99_ms"],
        "retries": 1,
        "ok_after_retries": 1,
        "last_outcome": "ok",
        "last_reason": None,
        "last_finished_at": row["last_finished_at"],
        "last_error": "TransientError: 503",
    }
    assert ended.document["retries"] == [
        {"dependency": "gemini", "scheduled": 1, "exhausted": 1},
        {"dependency": "upbit", "scheduled": 2, "exhausted": 0},
    ]
    assert (ended.document["lines"], ended.document["broken"]) == (9, 0)


BROKEN = {
    "cut off": '{"event":"job.finished","job_na',
    "no JSON": "Traceback (most recent call last):",
    "no object": "[1, 2]",
    "no duration": finished(duration_ms=None),
    "an endless duration": finished(duration_ms=float("inf")),
    "a negative duration": finished(duration_ms=-1),
    "an unknown outcome": finished(outcome="fine"),
    "a time without a zone": finished(timestamp="2026-11-26T12:00:00"),
    "no time": finished(timestamp=None),
    "no attempt": finished(attempts=0),
    "a retry of nothing": json.dumps({"event": "retry.scheduled"}),
    "a number without end": '{"event": ' + "9" * 5000 + "}",
    "deeper than anybody looks": '{"a":' * 100_000,
    "bytes that are no UTF-8": b'{"event": "\xff"}',
}


@pytest.mark.parametrize("line", BROKEN.values(), ids=BROKEN)
def test_a_broken_line_is_not_counted_and_the_first_is_named(line: str | bytes, capsys: Printed) -> None:
    spoilt = (line.encode() if isinstance(line, str) else line).rstrip(b"\n") + b"\n"
    ended = read(capsys, finished(1).encode() + spoilt + finished(2).encode() + spoilt)
    assert ended.code == 0
    assert [row["runs"] for row in ended.document["jobs"]] == [2]
    assert ended.document["broken"] == 2
    assert ended.line == (
        "bongsu: not counted, because they are no JSON or lack a field: 2 of 4 lines;"
        " the first is app.log line 2\n"
    )


def test_a_long_line_is_one_line(capsys: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_log, "MAX_LINE_BYTES", 1000)
    for length in (1000, 1001, 1999, 2000, 5001):
        ended = read(capsys, finished(1) + "x" * (length - 1) + "\n" + finished(2) + "y" * length)
        assert (ended.document["lines"], ended.document["broken"]) == (4, 2)
        assert [row["runs"] for row in ended.document["jobs"]] == [2]


def test_a_megabyte_in_one_line_is_read(capsys: Printed) -> None:
    ended = read(capsys, finished(1, outcome="failed", error="x" * 1_000_000) + finished(2))
    assert (ended.code, ended.err) == (0, "")
    assert [row["runs"] for row in ended.document["jobs"]] == [2]


@pytest.mark.parametrize("spelling", ["byte order mark", "CRLF", "no newline at the end", "docker compose"])
def test_a_log_may_have_come_from_elsewhere(spelling: str, capsys: Printed) -> None:
    lines = finished(1) + finished(2)
    content = {
        "byte order mark": "\ufeff" + lines,
        "CRLF": lines.replace("\n", "\r\n"),
        "no newline at the end": lines.rstrip("\n"),
        "docker compose": lines.replace("{", "collector-1  | {"),
    }[spelling]
    ended = read(capsys, content)
    assert ended.err == ""
    assert [row["runs"] for row in ended.document["jobs"]] == [2]


def test_several_logs_packed_or_not_are_one(capsys: Printed) -> None:
    Path("old.log.gz").write_bytes(gzip.compress((finished(3) + finished(2)).encode()))
    Path("packed-without-saying-so").write_bytes(gzip.compress(finished(4).encode()))
    Path("new.log").write_text(finished(2) + finished(1, outcome="failed"))
    names = ("old.log.gz", "packed-without-saying-so", "new.log")
    ended = jobs(capsys, "--json", *(part for name in names for part in ("--log", name)))
    assert [(row["runs"], row["failed"]) for row in ended.document["jobs"]] == [(4, 1)]


def test_only_what_ended_in_the_span_that_is_asked_for_counts(capsys: Printed) -> None:
    content = finished(50) + finished(70) + retry("retry.scheduled", "upbit", 50)
    ended = read(capsys, content + retry("retry.scheduled", "upbit", 70), "--since", "1h")
    assert [row["runs"] for row in ended.document["jobs"]] == [1]
    assert [row["scheduled"] for row in ended.document["retries"]] == [1]
    begin = datetime.fromisoformat(ended.document["since"])
    assert timedelta(hours=1) <= datetime.now(UTC) - begin < timedelta(hours=1, minutes=2)
    assert jobs(capsys, "--log", "app.log", "--since", "9m").out == "no run ended in that time\n"


def spoil(name: str) -> None:
    """Make a file that is no log."""
    path = Path(name)
    match name:
        case "folder":
            path.mkdir()
        case "empty":
            path.touch()
        case "binary":
            path.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(100) + finished().encode())
        case "cut.gz":
            path.write_bytes(gzip.compress(os.urandom(4000).hex().encode())[:3000])
        case "damaged.gz":
            path.write_bytes(b"\x1f\x8b\x08\x00" + b"no packed data" * 10)
        case "other":
            path.write_text('{"event": "service.ready"}\nbuy low\n')
        case "loop":
            path.symlink_to(path)
        case "zero":
            path.symlink_to("/dev/zero")


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("missing", 2, "--log missing: cannot be read (No such file or directory); name a log of JSON lines"),
        (
            "folder",
            2,
            "--log folder: cannot be read (Is a directory); name a log of JSON lines, or - for stan",
        ),
        ("loop", 2, "--log loop: cannot be read (Too many levels of symbolic links); name a log of JSON"),
        ("binary", 2, "--log binary: is no text; name a log of JSON lines, or one packed with gzip"),
        ("zero", 2, "--log zero: is no text; name a log of JSON lines, or one packed with gzip"),
        ("cut.gz", 2, "--log cut.gz: cannot be unpacked (Compressed file ended before the end"),
        ("damaged.gz", 2, "--log damaged.gz: cannot be unpacked ("),
        ("empty", 1, "no job.finished line in empty; services write them with LOG_FORMAT=json"),
        ("other", 1, "no job.finished line in other (they are no JSON or lack a field: 1 of 2 lines); servi"),
    ],
)
def test_what_is_no_log_is_named_in_one_line(name: str, code: int, said: str, capsys: Printed) -> None:
    spoil(name)
    ended = jobs(capsys, "--log", name)
    assert (ended.code, ended.out) == (code, "")
    assert ended.line.startswith(f"bongsu: {said}")


@pytest.mark.parametrize(
    "since", ["", "24", "h", "-1h", "0m", "1.5h", "1h30m", "24 h", "999999999d", "900000d", "١h"]
)
def test_a_span_that_is_none_is_answered_with_some_that_are(since: str, capsys: Printed) -> None:
    ended = jobs(capsys, "--since", since)
    assert (ended.code, ended.out) == (2, "")
    assert ended.line == f"bongsu: --since {since!r}: must be a span of time such as 90s, 30m, 24h or 7d\n"


def test_a_person_gets_tables(capsys: Printed) -> None:
    Path("app.log").write_text(
        finished(
            1, job_name="data_collection", duration_ms=1240.25, outcome="failed", error="TransientError: 503"
        )
        + finished(2, job_name="retention", outcome="skipped", reason="stopping")
        + finished(3, job_name="data_collection", attempts=2)
        + retry("retry.scheduled", "upbit")
    )
    ended = jobs(capsys, "--log", "app.log")
    assert (ended.code, ended.err) == (0, "")
    assert (
        ended.out
        == """\
Runs; milliseconds over ok and failed ones
service    job              runs  ok %     p50       p95       p99
collector  data_collection     2  50.0  625.25  1,178.75  1,227.95
collector  retention           0

Retries, and how the last run ended
service    job              skipped  retries  retried ok  last
collector  data_collection        0        1           1  failed
collector  retention              1        0           0  skipped: stopping

Newest error of each job that failed
service    job              error
collector  data_collection  TransientError: 503

Calls by dependency
dependency  retries  given up
upbit             1         0
"""
    )
