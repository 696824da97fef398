"""Parsed log lines of each process."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from bongsu.logs.lines import Level, parse_line

AT = datetime(2026, 11, 27, 17, 47, 16, 626000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("level", "meant"), [("warning", Level.WARNING), ("critical", Level.CRITICAL), ("odd", Level.INFO)]
)
def test_a_line_of_a_service_is_its_event_and_its_fields(level: str, meant: Level) -> None:
    fields = {
        "delay_seconds": 1.5,
        "error": None,
        "dependency": "upbit",
        "event": "retry.scheduled",
        "logger": "common.retry",
        "level": level,
        "timestamp": "2026-11-27T17:47:16.626000Z",
        "service": "collector",
        "trace_id": "51",
        "exception": "Traceback\n  boom",
    }
    line = parse_line("collector-2", json.dumps(fields), ["behind it"])
    assert line is not None
    assert (line.process, line.time, line.level) == ("collector-2", AT, meant)
    assert line.message == "retry.scheduled delay_seconds=1.5 dependency=upbit"
    assert line.following == ("Traceback", "  boom", "behind it")


@pytest.mark.parametrize(
    ("text", "level", "message"),
    [
        ("2026-11-27 17:47:16.626 UTC [17479] @  LOG:  listening", Level.INFO, "listening"),
        (
            '2026-11-27 17:47:16.626 UTC [9] bongsu_health@bongsu bongsu.health FATAL:  too many: "x"',
            Level.CRITICAL,
            'too many: "x"',
        ),
        ("2026-11-27T17:47:16.626Z [\x1b[33mwarning  \x1b[0m] bus.error", Level.WARNING, "bus.error"),
    ],
)
def test_a_line_of_postgresql_or_for_people_is_parsed(text: str, level: Level, message: str) -> None:
    line = parse_line("postgres", text)
    assert line is not None
    assert (line.time, line.level, line.message) == (AT, level, message)


def test_nats_writes_the_time_of_its_machine() -> None:
    line = parse_line("nats", "[17468] 2026/11/27 17:47:16.626000 [WRN] Plaintext passwords detected")
    assert line is not None
    assert line.time == datetime(2026, 11, 27, 17, 47, 16, 626000).astimezone(UTC)
    assert (line.level, line.message) == (Level.WARNING, "Plaintext passwords detected")


@pytest.mark.parametrize(
    "text",
    [
        "  File x, line 1",
        "2026-11-27 17:47:16.626 UTC [17479] @  DETAIL:  more of it",
        "[1] 2026/99/99 99:99:99.000000 [INF] no time",
        '{"event": "without a time"}',
        '{"timestamp": "2026-11-27T17:47:16", "event": "without an offset"}',
        '{"timestamp": 5}',
        "{broken",
        "[" * 3000,
        "",
    ],
)
def test_anything_else_belongs_to_the_line_before(text: str) -> None:
    assert parse_line("collector", text) is None
