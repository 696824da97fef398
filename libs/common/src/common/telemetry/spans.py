"""How does a trace go from one service to the next, and where do spans and metrics go?

Ids exist always; exporters only when an OTLP endpoint is set (`OTEL_EXPORTER_OTLP_ENDPOINT`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from common.masking import mask, mask_sensitive
from common.telemetry.names import TRACER

FLUSH_MILLIS = 1000
EXPORT_SECONDS = 2
_propagator = TraceContextTextMapPropagator()


class Telemetry:
    """The process's tracer and meter providers; `shutdown` flushes them within about a second each."""

    def __init__(self, *, service: str, instance: str, environment: Mapping[str, str]) -> None:
        exports = bool(environment.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
        resource = Resource.create({"service.name": f"bongsu.{service}", "service.instance.id": instance})
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        processors, readers = _exporting() if exports else ([], [])
        for processor in processors:
            self._traces.add_span_processor(processor)
        # Default buckets are made for milliseconds; exponential ones give p95 to 0.02 %.
        view = View(instrument_type=Histogram, aggregation=ExponentialBucketHistogramAggregation(160))
        self._metrics = MeterProvider(
            resource=resource, metric_readers=readers, views=[view], shutdown_on_exit=False
        )
        trace.set_tracer_provider(self._traces)
        metrics.set_meter_provider(self._metrics)

    def shutdown(self) -> None:
        """Send what is buffered, for at most about two seconds, and end the exporter threads."""
        self._traces.force_flush(FLUSH_MILLIS)
        self._traces.shutdown()
        self._metrics.shutdown(FLUSH_MILLIS)


def _exporting() -> tuple[list[SpanProcessor], list[MetricReader]]:
    # Only where they are wanted: they bring an HTTP library along, 10 MB in every process.
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return (
        [BatchSpanProcessor(OTLPSpanExporter(timeout=EXPORT_SECONDS))],
        [PeriodicExportingMetricReader(OTLPMetricExporter(timeout=EXPORT_SECONDS))],
    )


@contextmanager
def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    parent: Context | None = None,
    attributes: Mapping[str, str | int | float | bool] | None = None,
) -> Iterator[Span]:
    """Run a block inside a span; an exception marks it ERROR with its masked text, without a stack.

    A cancellation is no error.
    """
    tracer = trace.get_tracer(TRACER)
    safe = {key: _attribute(key, value) for key, value in (attributes or {}).items()}
    with tracer.start_as_current_span(
        name,
        context=parent,
        kind=kind,
        attributes=safe,
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except Exception as error:
            fail_span(current, error)
            raise


def fail_span(current: Span, error: BaseException) -> None:
    """Mark a span ERROR; `record_exception` would put unmasked text and stack into it."""
    current.set_status(Status(StatusCode.ERROR, mask_sensitive(f"{type(error).__name__}: {error}")))


def _attribute(key: str, value: str | float | bool) -> str | int | float | bool:
    masked = mask({key: value})
    assert isinstance(masked, dict)  # noqa: S101
    safe: str | int | float | bool = masked[key]
    return safe


def inject_trace(headers: dict[str, str]) -> dict[str, str]:
    """Return `headers` with the current span's `traceparent` in them."""
    _propagator.inject(headers)
    return headers


def extract_trace(headers: Mapping[str, str]) -> Context:
    """Return the context of the sender's span; a missing or malformed header begins a new trace."""
    return _propagator.extract(headers)


def current_trace_id() -> str:
    """Return the current trace id as 32 hex digits, zeros outside of a span."""
    return trace.format_trace_id(trace.get_current_span().get_span_context().trace_id)
