"""Hooks for uncaught errors: each becomes one masked line of the log.

Python would print it as it is: from the main thread, another thread, or a finalizer. What ends a task
that is not awaited, asyncio itself gives to the log.
"""

from __future__ import annotations

import sys
import threading
from types import TracebackType

import structlog

from common.telemetry.names import LogEvent


def log_uncaught_errors() -> None:
    """Have every uncaught error of this process logged from now on; logging is configured already."""
    sys.excepthook = _on_error
    threading.excepthook = _on_thread_error
    sys.unraisablehook = _on_unraisable


def _on_error(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
    else:
        _log("main", error)


def _on_thread_error(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value is not None and failed.exc_type is not SystemExit:
        _log(failed.thread.name if failed.thread else "a thread", failed.exc_value)


def _on_unraisable(failed: sys.UnraisableHookArgs) -> None:
    if failed.exc_value is not None:
        _log("a finalizer", failed.exc_value)


def _log(where: str, error: BaseException) -> None:
    structlog.get_logger("common.uncaught").critical(LogEvent.ERROR_UNCAUGHT, where=where, exc_info=error)
