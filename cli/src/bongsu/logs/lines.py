"""Parser of log lines, of our services and of the embedded servers. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any


class Level(IntEnum):
    """How much a line matters, least first."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40
    CRITICAL = 50


@dataclass(frozen=True)
class LogLine:
    """One line, with those that belong to it.

    Attributes:
        process: Its writer, as in `collector-2`.
        time: UTC.
        text: As it stands in the file, without what follows.
        message: What it says, without time, level and names.
        following: Lines without a time of their own, such as those of a traceback.
        fields: What a JSON line holds; None for any other.
    """

    process: str
    time: datetime
    level: Level
    text: str
    message: str
    following: tuple[str, ...] = ()
    fields: Mapping[str, Any] | None = None


_POSTGRES = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) UTC \[\d+\] .*?"
    r"(?P<level>DEBUG\d|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC):  (?P<message>.*)"
)
_NATS = re.compile(
    r"\[\d+\] (?P<time>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d+) \[(?P<level>[A-Z]{3})\] (?P<message>.*)"
)
_CONSOLE = re.compile(r"(?P<time>\d{4}-\d\d-\d\dT\S+Z) \[(?P<level>\w+) *\] (?P<message>.*)")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_LEVELS = {
    "DEBUG": Level.DEBUG,
    "DBG": Level.DEBUG,
    "TRC": Level.DEBUG,
    "WARNING": Level.WARNING,
    "WRN": Level.WARNING,
    "ERROR": Level.ERROR,
    "ERR": Level.ERROR,
    "CRITICAL": Level.CRITICAL,
    "FATAL": Level.CRITICAL,
    "FTL": Level.CRITICAL,
    "PANIC": Level.CRITICAL,
}
# Shown in columns of their own, or of use to programs only.
_NOT_SHOWN = (
    *("timestamp", "level", "event", "logger", "service", "instance", "exception"),
    *("trace_id", "span_id", "metric_type"),
)


def parse_line(process: str, text: str, following: Sequence[str] = ()) -> LogLine | None:
    """Return what a line says; None for one that belongs to the line before, or to none."""
    if text.startswith("{"):
        return _from_json(process, text, following)
    plain = _COLOURS.sub("", text)
    # The services write UTC, PostgreSQL is set to it, and nats-server takes the machine's own time.
    for pattern, form, is_utc in (
        (_POSTGRES, "%Y-%m-%d %H:%M:%S.%f", True),
        (_NATS, "%Y/%m/%d %H:%M:%S.%f", False),
        (_CONSOLE, "", True),
    ):
        if match := pattern.fullmatch(plain):
            try:
                time = datetime.strptime(match["time"], form) if form else _iso(match["time"])  # noqa: DTZ007
            except ValueError:
                return None
            time = time.replace(tzinfo=UTC) if is_utc else time.astimezone(UTC)
            return LogLine(
                process, time, _level(match["level"]), text, match["message"].strip(), tuple(following)
            )
    return None


def _from_json(process: str, text: str, following: Sequence[str]) -> LogLine | None:
    try:
        fields = json.loads(text)
        time = _iso(str(fields["timestamp"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if time.tzinfo is None:
        return None
    shown = [
        f"{name}={_shown(value)}"
        for name, value in fields.items()
        if name not in _NOT_SHOWN and value is not None
    ]
    message = " ".join([str(fields.get("event", "")), *shown])
    exception = str(fields.get("exception") or "").splitlines()
    return LogLine(
        process,
        time,
        _level(str(fields.get("level", ""))),
        text,
        message,
        (*exception, *following),
        fields,
    )


def _iso(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _level(name: str) -> Level:
    return _LEVELS.get(name.upper().rstrip("12345"), Level.INFO)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
