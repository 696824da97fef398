"""Counters of this instance since its start: ends of jobs, signals, notifications."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.metrics_core import Metric

from common.events import JobFinished, SignalGenerated
from common.masking import mask_sensitive
from health.metrics.names import JOB_DURATION, JOB_RUNS, NOTIFICATIONS, SIGNALS

# Seconds; a run of data_collection takes some ten milliseconds, a decision up to 90 s.
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 90)
# A record whose acknowledgement was lost is sent again, but not after so many others.
REMEMBERED = 1000


class Counters:
    """Counts what is published to the streams JOBS and SIGNALS while this instance runs."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._runs = Counter(*JOB_RUNS, registry=self._registry)
        self._durations = Histogram(*JOB_DURATION, registry=self._registry, buckets=BUCKETS)
        self._signals = Counter(*SIGNALS, registry=self._registry)
        self._notifications = Counter(*NOTIFICATIONS, registry=self._registry)
        self._seen: OrderedDict[str, None] = OrderedDict()

    def on_job_finished(self, record: JobFinished) -> None:
        """Count the runs that a record stands for."""
        if self._is_repeated(f"{record.job_name} {record.run_id}"):
            return
        job = mask_sensitive(record.service), mask_sensitive(record.job_name)
        self._runs.labels(*job, record.outcome).inc(record.count)
        if record.outcome != "skipped":
            self._durations.labels(*job).observe(record.duration_ms / 1000)

    def on_signal_generated(self, signal: SignalGenerated) -> None:
        """Count a signal."""
        if not self._is_repeated(signal.signal_id):
            self._signals.labels(signal.signal_type, signal.source).inc()

    def record_notification(self, outcome: str) -> None:
        """Count a notification that was `sent`, `failed` or `dropped`."""
        self._notifications.labels(outcome).inc()

    def families(self) -> Iterable[Metric]:
        """Return the counters for an answer."""
        return self._registry.collect()

    def _is_repeated(self, identity: str) -> bool:
        if identity in self._seen:
            return True
        self._seen[identity] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return False
