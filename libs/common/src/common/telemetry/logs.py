"""How does a log line look, and why can no secret be in one?

Every logger, ours and the libraries', ends in one handler: merge context, render the exception without
locals, mask, then JSON. What is exported besides is handed on behind the mask, so it is never anything else.
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


HandOn = Callable[[Mapping[str, Any]], None]


class _Handler(logging.Handler):
    """Prints one line for each record; `hand_on` gets its masked fields as well."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._output = LogOutput(stream)
        self.hand_on: HandOn | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record, whatever becomes of it."""
        try:
            self._output.write(self.format(record) + "\n")
        except Exception:  # noqa: BLE001  who logs has no use for an error of the log
            self.handleError(record)

    def flush(self) -> None:
        """Have what is waiting written, for at most half a second."""
        self._output.flush()

    def close(self) -> None:
        """Print nothing any more."""
        self._output.close()
        super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Say whose line is missing; the default prints its text and arguments, unmasked."""
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
                _hand_on_from(handler),
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


def forward_logs(receiver: HandOn | None) -> None:
    """Give the masked fields of each line to `receiver` too, which must not wait; None for nobody."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _Handler):
            handler.hand_on = receiver


def flush_logs() -> None:
    """Have everything printed that was said so far, as far as somebody takes it, within half a second."""
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


def _hand_on_from(handler: _Handler) -> Processor:
    def hand_on(_: Any, __: str, event: EventDict) -> EventDict:
        if handler.hand_on:
            # Whatever goes wrong there, the line is printed.
            with contextlib.suppress(Exception):
                handler.hand_on(event)
        return event

    return hand_on


def _mask_event(_: Any, __: str, event: EventDict) -> EventDict:
    try:
        masked = mask(event)
        assert isinstance(masked, dict)  # noqa: S101
        return masked
    except Exception:  # noqa: BLE001  fail closed: a line that could not be masked is not printed
        return {"event": LogEvent.MASKING_FAILED, "level": event.get("level"), "logger": event.get("logger")}
