"""Dropped telemetry: counted, logged once when it begins and once when it is over.

The SDK and its exporters would print a line for each batch; they are silenced here, and the newest of what
they say becomes the reason.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from functools import partial

import structlog

from common.telemetry.config import TelemetrySignal
from common.telemetry.instruments import telemetry_dropped
from common.telemetry.names import Attribute, LogEvent

QUEUE_FULL = "queue_full"
EXPORT_FAILED = "export_failed"
# A collector that takes one batch and refuses the next is logged once a minute.
LOG_AGAIN_SECONDS = 60.0
# The batch processors' own logger; it says once for each item that its queue had no room.
_PROCESSOR_LOGGER = "opentelemetry.sdk._shared_internal"
_QUEUE_FULL_TEXT = "Queue full"
_QUEUED = {"Span": TelemetrySignal.TRACES, "Log": TelemetrySignal.LOGS}
_EXPORTER_LOGGERS = {
    TelemetrySignal.TRACES: "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    TelemetrySignal.METRICS: "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    TelemetrySignal.LOGS: "opentelemetry.exporter.otlp.proto.http._log_exporter",
}


@dataclass
class _Outage:
    """Of one signal: what was lost since its collector took something, and whether that has been logged."""

    lost: int = 0
    is_logged: bool = False
    logged_at: float = -math.inf
    reason: str | None = None


class DroppedTelemetry:
    """One process's; every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._outages: defaultdict[TelemetrySignal, _Outage] = defaultdict(_Outage)
        self._log = structlog.get_logger("common.telemetry.dropped")
        logging.getLogger(_PROCESSOR_LOGGER).filters[:] = [self._on_processor]
        for signal, name in _EXPORTER_LOGGERS.items():
            logging.getLogger(name).filters[:] = [partial(self._on_exporter, signal)]

    def record_export(self, signal: TelemetrySignal, count: int, *, is_sent: bool) -> None:
        """Record a batch that the collector took or did not; what is gone is counted.

        The first loss since something was sent is logged, and so is the end of an outage that was logged.
        """
        if is_sent:
            self._record_sent(signal)
        else:
            self._record_dropped(signal, count, cause=EXPORT_FAILED)

    def _record_dropped(self, signal: TelemetrySignal, count: int, *, cause: str) -> None:
        telemetry_dropped().add(count, {Attribute.TELEMETRY_SIGNAL: signal, Attribute.ERROR_TYPE: cause})
        now = time.monotonic()
        with self._lock:
            outage = self._outages[signal]
            outage.lost += count
            is_new = not outage.is_logged and now - outage.logged_at >= LOG_AGAIN_SECONDS
            if is_new:
                outage.is_logged, outage.logged_at = True, now
            reason = outage.reason
        if is_new:
            self._log.warning(LogEvent.TELEMETRY_DROPPED, signal=signal, cause=cause, error=reason)

    def _record_sent(self, signal: TelemetrySignal) -> None:
        with self._lock:
            outage = self._outages[signal]
            lost = outage.lost if outage.is_logged else 0
            if lost:
                outage.lost, outage.is_logged = 0, False
        if lost:
            self._log.info(LogEvent.TELEMETRY_RESUMED, signal=signal, dropped=lost)

    # Both are filters that let nothing through to the log.
    def _on_processor(self, record: logging.LogRecord) -> bool:
        if str(record.msg).startswith(_QUEUE_FULL_TEXT) and isinstance(record.args, tuple):
            signal = _QUEUED.get(str(record.args[0]))
            if signal:
                self._record_dropped(signal, 1, cause=QUEUE_FULL)
        return False

    def _on_exporter(self, signal: TelemetrySignal, record: logging.LogRecord) -> bool:
        self._outages[signal].reason = record.getMessage()
        return False
