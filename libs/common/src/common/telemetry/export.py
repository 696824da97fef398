"""Telemetry of a process: spans, metrics and log records, exported over OTLP where variables ask for it.

Without `OTEL_EXPORTER_OTLP_ENDPOINT` and its like nothing is exported; ids exist all the same. What leaves
the process is masked, whatever its source.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import unquote

import structlog
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider

from common.masking import register_secret
from common.telemetry.config import TelemetrySignal, exported_signals, otlp_variable
from common.telemetry.dropped import DroppedTelemetry
from common.telemetry.log_records import emit_line
from common.telemetry.logs import forward_logs
from common.telemetry.names import LogEvent
from common.telemetry.spans import masked_attributes

FLUSH_MILLIS = 1000
FLUSH_SECONDS = FLUSH_MILLIS / 1000


class Telemetry:
    """The process's providers of tracers, meters and loggers; logging is configured already.

    Args:
        environment: The process's own, which OpenTelemetry's SDK reads as well.
    """

    def __init__(
        self, *, service: str, instance: str, version: str = "", environment: Mapping[str, str]
    ) -> None:
        _register_headers(environment)
        found = exported_signals(environment)
        resource = _resource(service, instance, version)
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._ends: list[Callable[[], object]] = []
        readers: list[MetricReader] = []
        log = structlog.get_logger("common.telemetry")
        for problem in found.problems:
            log.error(LogEvent.TELEMETRY_OFF, error=problem)
        try:
            if found.signals:
                self._export(found.signals, resource, readers)
        except (ValueError, OSError) as error:
            # A variable that the SDK takes for no number, a certificate that is not there.
            log.error(LogEvent.TELEMETRY_OFF, error=f"an OTEL_ variable cannot be used: {error}")
        # Default buckets are made for milliseconds; exponential ones give p95 to 0.02 %.
        view = View(instrument_type=Histogram, aggregation=ExponentialBucketHistogramAggregation(160))
        provider = MeterProvider(
            resource=resource, metric_readers=readers, views=[view], shutdown_on_exit=False
        )
        self._ends += [self._traces.shutdown, lambda: provider.shutdown(FLUSH_MILLIS)]
        trace.set_tracer_provider(self._traces)
        metrics.set_meter_provider(provider)

    def shutdown(self) -> None:
        """Send what is buffered, all at once, for at most a second; what hangs then is left behind."""
        forward_logs(None)
        ending = [threading.Thread(target=end, daemon=True) for end in self._ends]
        deadline = time.monotonic() + FLUSH_SECONDS
        for thread in ending:
            thread.start()
        for thread in ending:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _export(
        self, signals: frozenset[TelemetrySignal], resource: Resource, readers: list[MetricReader]
    ) -> None:
        from opentelemetry.sdk._logs import LoggerProvider
        from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        from common.telemetry import exporters as otlp

        dropped = DroppedTelemetry()
        if TelemetrySignal.TRACES in signals:
            self._traces.add_span_processor(BatchSpanProcessor(otlp.SpanExporter(dropped)))
        if TelemetrySignal.METRICS in signals:
            readers.append(PeriodicExportingMetricReader(otlp.MetricExporter(dropped)))
        if TelemetrySignal.LOGS in signals:
            provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
            provider.add_log_record_processor(BatchLogRecordProcessor(otlp.LogExporter(dropped)))
            forward_logs(partial(emit_line, provider))
            self._ends.append(provider.shutdown)


def _resource(service: str, instance: str, version: str) -> Resource:
    """Return who we are; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES add to it, and win."""
    own = Resource.create(
        {"service.name": f"bongsu.{service}", "service.instance.id": instance}
        | ({"service.version": version} if version else {})
    )
    found = own.merge(OTELResourceDetector().detect())
    return Resource(masked_attributes(found.attributes), found.schema_url)


def _register_headers(environment: Mapping[str, str]) -> None:
    """A collector's key comes as `authorization=Bearer%20…`; the exporter may print it when it is refused."""
    own = (otlp_variable("HEADERS", signal) for signal in TelemetrySignal)
    for name in ("OTEL_EXPORTER_OTLP_HEADERS", *own):
        for header in environment.get(name, "").split(","):
            value = unquote(header.partition("=")[2].strip())
            for part in (value, value.rpartition(" ")[2]):
                register_secret(part)
