"""Log lines as OTLP log records: the same masked fields, each in its place.

Imported only where logs are exported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import LogRecord, SeverityNumber

from common.telemetry.names import Attribute

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LoggerProvider

_SEVERITIES = {
    "debug": SeverityNumber.DEBUG,
    "info": SeverityNumber.INFO,
    "warning": SeverityNumber.WARN,
    "error": SeverityNumber.ERROR,
    "critical": SeverityNumber.FATAL,
}
# They have a place of their own in a record.
_PLACED = frozenset({"timestamp", "level", "logger", "event", "trace_id", "span_id", "exception"})
# Constant and dotted; a library's text is no event, it has values in it.
_EVENT = re.compile(r"[a-z_]+(?:\.[a-z_]+)+")


def emit_line(provider: LoggerProvider, line: Mapping[str, Any]) -> None:
    """Queue one masked line, as a dictionary, in the span that it belongs to; never waits."""
    provider.get_logger(str(line.get("logger", ""))).emit(_record(line))


def _record(line: Mapping[str, Any]) -> LogRecord:
    event, level = str(line.get("event", "")), str(line.get("level", "info"))
    attributes = {name: _plain(value) for name, value in line.items() if name not in _PLACED}
    if exception := line.get("exception"):
        attributes[Attribute.EXCEPTION_STACKTRACE] = exception
    return LogRecord(
        timestamp=_nanoseconds(line.get("timestamp")),
        severity_number=_SEVERITIES.get(level, SeverityNumber.UNSPECIFIED),
        severity_text=level,
        body=event,
        event_name=event if _EVENT.fullmatch(event) else None,
        attributes=attributes,
    )


def _plain(value: object) -> Any:
    """Return a value that an attribute may have; the mask has left nothing but plain containers."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value)


def _nanoseconds(timestamp: object) -> int | None:
    if not isinstance(timestamp, str):
        return None
    return int(datetime.fromisoformat(timestamp).timestamp() * 1_000_000) * 1000
