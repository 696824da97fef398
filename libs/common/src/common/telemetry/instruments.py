"""What does a process measure? Each instrument is made once, and on first use: no work at import."""

from __future__ import annotations

from functools import cache

from opentelemetry import metrics
from opentelemetry.metrics import Counter, Histogram

from common.telemetry.names import TRACER, Metric


@cache
def job_runs() -> Counter:
    """Count runs, by job and outcome."""
    return metrics.get_meter(TRACER).create_counter(Metric.JOBS)


@cache
def job_duration() -> Histogram:
    """Time runs that were not skipped, in seconds, by job and outcome."""
    return metrics.get_meter(TRACER).create_histogram(Metric.JOB_DURATION, unit="s")


@cache
def retries() -> Counter:
    """Count failed tries of calls, by dependency, attempt, error type, and what follows: `outcome`."""
    return metrics.get_meter(TRACER).create_counter(Metric.RETRIES)


@cache
def retry_wait() -> Histogram:
    """Time the waits before retries, in seconds, by dependency and error type."""
    return metrics.get_meter(TRACER).create_histogram(Metric.RETRY_WAIT, unit="s")
