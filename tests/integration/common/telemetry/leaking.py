"""A process in which every part leaks a secret: its log, its spans, its uncaught errors."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import warnings

import structlog
from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode

from common.masking import register_secret
from common.telemetry.excepthook import log_uncaught_errors
from common.telemetry.export import Telemetry
from common.telemetry.logs import configure_logging
from common.telemetry.spans import span


class Finalized:
    """Fails where nothing can catch it."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def __del__(self) -> None:
        raise ValueError(f"finalized: {self._secret}")


def log_it(secret: str) -> None:
    """Print it, by our logger, by a library's, and as a warning."""
    structlog.get_logger().info("leaked", token=secret, text=f"it is {secret}", nested=[{"deep": secret}])
    logging.getLogger("library").warning("leaked %s", secret)
    warnings.warn(f"leaked {secret}", stacklevel=1)
    try:
        raise ValueError(f"logged: {secret}")
    except ValueError:
        structlog.get_logger().exception("failed")


def trace_it(secret: str) -> None:
    """Put it everywhere a span has room, past `common.telemetry.spans` too."""
    with span(f"to {secret}", attributes={"given": secret}):
        current = trace.get_current_span()
        current.set_attribute("later", secret)
        current.set_attribute("several", ["plain", secret])
        current.add_event(f"event {secret}", {"token": "abc", "text": secret})
        current.record_exception(ValueError(f"recorded {secret}"))
        current.set_status(Status(StatusCode.ERROR, f"status {secret}"))


async def fail_alone(secret: str) -> None:
    """Fail in a task that is not awaited."""

    async def fail() -> None:
        raise ValueError(f"in a task: {secret}")

    task = asyncio.create_task(fail())
    await asyncio.wait({task})
    del task


def fail_in_thread(secret: str) -> None:
    """Fail in a thread of its own."""

    def fail() -> None:
        raise ValueError(f"in a thread: {secret}")

    thread = threading.Thread(target=fail, name="worker")
    thread.start()
    thread.join()


def main(secret: str) -> None:
    """Tell it in every way, and die of it."""
    configure_logging(service="collector", instance="c-1", level="INFO", log_format="json")
    log_uncaught_errors()
    telemetry = Telemetry(service="collector", instance="c-1", environment=os.environ)
    register_secret(secret)
    log_it(secret)
    trace_it(secret)
    telemetry.shutdown()
    asyncio.run(fail_alone(secret))
    fail_in_thread(secret)
    Finalized(secret)
    raise ValueError(f"in the end: {secret}")


if __name__ == "__main__":
    main(os.environ["CANARY"])
