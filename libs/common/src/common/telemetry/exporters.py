"""OTLP exporters of spans, metrics and log records: OpenTelemetry's own, with masking and counting.

Imported only where something is exported: an HTTP library comes along, 10 MB in every process.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from common.telemetry.config import TelemetrySignal, otlp_variable
from common.telemetry.dropped import DroppedTelemetry
from common.telemetry.spans import masked_span

# OpenTelemetry's own ten seconds are longer than a service has to stop.
TIMEOUT_SECONDS = 2.0


def _timeout(signal: TelemetrySignal) -> float | None:
    """Return our limit for one export; None where a variable names another."""
    variables = (otlp_variable("TIMEOUT", signal), "OTEL_EXPORTER_OTLP_TIMEOUT")
    return None if any(os.environ.get(name) for name in variables) else TIMEOUT_SECONDS


class SpanExporter(OTLPSpanExporter):
    """Sends masked copies; the spans themselves stay as they are."""

    def __init__(self, dropped: DroppedTelemetry) -> None:
        super().__init__(timeout=_timeout(TelemetrySignal.TRACES))
        self._dropped = dropped

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export([masked_span(ended) for ended in spans])
        is_sent = result is SpanExportResult.SUCCESS
        self._dropped.record_export(TelemetrySignal.TRACES, len(spans), is_sent=is_sent)
        return result


class MetricExporter(OTLPMetricExporter):
    """Counts data points, not metrics."""

    def __init__(self, dropped: DroppedTelemetry) -> None:
        super().__init__(timeout=_timeout(TelemetrySignal.METRICS))
        self._dropped = dropped

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        result = super().export(metrics_data, timeout_millis, **kwargs)
        is_sent = result is MetricExportResult.SUCCESS
        self._dropped.record_export(TelemetrySignal.METRICS, _points(metrics_data), is_sent=is_sent)
        return result


class LogExporter(OTLPLogExporter):
    """Sends records, which are masked already."""

    def __init__(self, dropped: DroppedTelemetry) -> None:
        super().__init__(timeout=_timeout(TelemetrySignal.LOGS))
        self._dropped = dropped

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        result = super().export(batch)
        is_sent = result is LogRecordExportResult.SUCCESS
        self._dropped.record_export(TelemetrySignal.LOGS, len(batch), is_sent=is_sent)
        return result


def _points(metrics_data: MetricsData) -> int:
    return sum(
        len(metric.data.data_points)
        for resource in metrics_data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )
