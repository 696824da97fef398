from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from common.telemetry.config import TelemetrySignal
from common.telemetry.dropped import DroppedTelemetry
from unit.common.printed import Printed

SPANS = 20


class Stuck(SpanExporter):
    """Takes nothing until it is let go."""

    def __init__(self) -> None:
        self.lets_go = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.lets_go.wait(60)
        return SpanExportResult.SUCCESS


@pytest.fixture
def losses() -> Iterator[DroppedTelemetry]:
    """The losses of this process; the SDK's loggers are as they were afterwards."""
    names = [name for name in logging.root.manager.loggerDict if name.startswith("opentelemetry")]
    before = {name: logging.getLogger(name).filters[:] for name in names}
    yield DroppedTelemetry()
    for name, filters in before.items():
        logging.getLogger(name).filters[:] = filters


def counted(reader: InMemoryMetricReader, cause: str) -> int:
    """Return how many spans were dropped so far for this cause."""
    found: Any = reader.get_metrics_data()
    return sum(
        point.value
        for resource in (found.resource_metrics if found else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "bongsu.telemetry.dropped"
        for point in metric.data.data_points
        if point.attributes == {"signal": "traces", "error.type": cause}
    )


def test_each_span_that_finds_no_room_is_counted_and_the_first_is_logged(
    measured: InMemoryMetricReader, losses: DroppedTelemetry, printed: Printed
) -> None:
    before = counted(measured, "queue_full")
    exporter, provider = Stuck(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=2, max_export_batch_size=1))
    for _ in range(SPANS):
        provider.get_tracer("test").start_span("work").end()
    # Two wait, and at most two more are out of the queue already.
    assert SPANS - 4 <= counted(measured, "queue_full") - before <= SPANS - 2
    (line,) = printed.lines()
    assert (line["event"], line["signal"], line["cause"]) == ("telemetry.dropped", "traces", "queue_full")
    exporter.lets_go.set()
    provider.shutdown()


def test_an_outage_is_logged_when_it_begins_and_when_it_is_over_and_not_again_within_a_minute(
    losses: DroppedTelemetry, printed: Printed
) -> None:
    for _ in range(3):
        for _ in range(5):
            losses.record_export(TelemetrySignal.LOGS, 10, is_sent=False)
        losses.record_export(TelemetrySignal.LOGS, 1, is_sent=True)
    first, over = printed.lines()
    assert (first["event"], first["level"]) == ("telemetry.dropped", "warning")
    assert (over["event"], over["dropped"]) == ("telemetry.resumed", 50)
