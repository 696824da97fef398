"""Oracles over the services' logs: lines that must never be written, and messages handed back too often."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from common.telemetry.names import LogEvent

HASTY_TIMES = 10
HASTY_SPAN = timedelta(seconds=2)
NEVER = {
    LogEvent.ERROR_UNCAUGHT,
    LogEvent.LOGGING_FAILED,
    LogEvent.MASKING_FAILED,
    LogEvent.TASK_FAILED,
}


def unexpected_lines(log: Path) -> list[str]:
    """Return the lines that are no JSON, report an unhandled error, or carry a traceback."""
    lines = log.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and _is_unexpected(line)]


def count_events(log: Path) -> Counter[str]:
    """Return how often each event was logged."""
    lines = log.read_text(encoding="utf-8").splitlines()
    return Counter(json.loads(line)["event"] for line in lines if line.startswith("{"))


def hasty(logs: Iterable[Path]) -> list[str]:
    """Return the messages that one process handed back more than ten times within two seconds."""
    times: defaultdict[tuple[str, str, int], list[datetime]] = defaultdict(list)
    for log in logs:
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            if LogEvent.MESSAGE_HANDED_BACK in line and line.startswith("{"):
                entry = json.loads(line)
                key = (entry["service"], entry["instance"], entry["sequence"])
                times[key].append(datetime.fromisoformat(entry["timestamp"]))
    return [
        f"{service}: message {sequence}"
        for (service, _, sequence), moments in times.items()
        if any(
            later - first < HASTY_SPAN for first, later in zip(moments, moments[HASTY_TIMES:], strict=False)
        )
    ]


def _is_unexpected(line: str) -> bool:
    try:
        entry = json.loads(line)
    except ValueError:
        return True
    return entry["event"] in NEVER or "Traceback" in line or "never retrieved" in line
