"""The process's log, spans and metrics as a test can read them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator

import pytest
import structlog
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from common.telemetry.logs import configure_logging
from unit.common.printed import Printed


@pytest.fixture
def log_as() -> Iterator[Callable[[str], Printed]]:
    """Configures logging at INFO as the services do, in a format, and gives what is printed from then on."""
    root, config = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level

    def configure(log_format: str) -> Printed:
        printed = Printed()
        # The handler keeps the stream it finds; pytest changes standard output between setup and test.
        with contextlib.redirect_stdout(printed.out):
            configure_logging(service="collector", instance="c-1", level="INFO", log_format=log_format)
        return printed

    yield configure
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.configure(**config)


@pytest.fixture
def printed(log_as: Callable[[str], Printed]) -> Printed:
    """What is printed by a process that logs JSON."""
    return log_as("json")


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """The spans that end during the test."""
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider())
    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield exporter
    exporter.shutdown()
