"""Logging: every logger, ours and the libraries', ends in one handler, so no line is printed unmasked.

It merges context, renders the exception without locals, masks, then writes JSON. What is exported as well is
forwarded after the mask.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any, TextIO

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor

from common.masking import mask
from common.telemetry.log_writer import LogOutput
from common.telemetry.names import LogEvent

# Chatty at INFO, and httpx prints whole URLs.
_QUIET_LOGGERS = (
    "httpx",
    "httpx2",
    "httpcore",
    "httpcore2",
    "apscheduler",
    "uvicorn.access",
    "google_genai",
    "asyncio",
)


Forward = Callable[[Mapping[str, Any]], None]


class _Handler(logging.Handler):
    """Prints one line for each record; `forward` gets its masked fields as well."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._output = LogOutput(stream)
        self.forward: Forward | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record; an error on the way is reported, never raised."""
        try:
            self._output.write(self.format(record) + "\n")
        except Exception:  # noqa: BLE001  a caller has no use for an error of its log
            self.handleError(record)

    def flush(self) -> None:
        self._output.flush()

    def close(self) -> None:
        self._output.close()
        super().close()

    def forward_event(self, _: Any, __: str, event: EventDict) -> EventDict:
        if self.forward:
            # An error there must not keep the line from being printed.
            with contextlib.suppress(Exception):
                self.forward(event)
        return event

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Report whose line is missing; the default prints its text and arguments, unmasked."""
        level = record.levelname.lower()
        line = {"event": LogEvent.LOGGING_FAILED, "level": level, "logger": record.name}
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(json.dumps(line) + "\n")


def configure_logging(*, service: str, instance: str, level: str, log_format: str) -> None:
    """Send every logger of this process to standard output, one masked line each."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
        _add_identity(service, instance),
        _add_trace,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    )
    handler = _Handler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _mask_event,
                handler.forward_event,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    for previous in root.handlers:
        if isinstance(previous, _Handler):
            previous.close()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.captureWarnings(capture=True)


def forward_logs(receiver: Forward | None) -> None:
    """Give the masked fields of each line to `receiver` too, which must not wait; None ends it."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _Handler):
            handler.forward = receiver


def flush_logs() -> None:
    """Write everything that was logged so far, as far as it is read, within half a second."""
    for handler in logging.getLogger().handlers:
        handler.flush()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


def _add_identity(service: str, instance: str) -> Processor:
    def add(_: Any, __: str, event: EventDict) -> EventDict:
        event.setdefault("service", service)
        event.setdefault("instance", instance)
        return event

    return add


def _add_trace(_: Any, __: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event.setdefault("trace_id", trace.format_trace_id(context.trace_id))
        event.setdefault("span_id", trace.format_span_id(context.span_id))
    return event


def _mask_event(_: Any, __: str, event: EventDict) -> EventDict:
    try:
        masked = mask(event)
        assert isinstance(masked, dict)  # noqa: S101
        return masked
    except Exception:  # noqa: BLE001  fail closed: a line that could not be masked is not printed
        return {"event": LogEvent.MASKING_FAILED, "level": event.get("level"), "logger": event.get("logger")}
