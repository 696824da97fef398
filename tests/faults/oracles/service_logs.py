"""Which lines of the services' logs should never have been written? Of errors that nobody thought of."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from common.telemetry.names import LogEvent

NEVER = {
    LogEvent.ERROR_UNCAUGHT,
    LogEvent.LOGGING_FAILED,
    LogEvent.LOOP_BLOCKED,
    LogEvent.MASKING_FAILED,
    LogEvent.TASK_FAILED,
}


def unexpected_lines(log: Path) -> list[str]:
    """Return the lines that are no JSON, tell of an error nobody handled, or carry a traceback."""
    lines = log.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and _is_unexpected(line)]


def count_events(log: Path) -> Counter[str]:
    """Return how often each event was logged."""
    lines = log.read_text(encoding="utf-8").splitlines()
    return Counter(json.loads(line)["event"] for line in lines if line.startswith("{"))


def _is_unexpected(line: str) -> bool:
    try:
        entry = json.loads(line)
    except ValueError:
        return True
    return entry["event"] in NEVER or "Traceback" in line or "never retrieved" in line
