"""Instruments of a process, each made once and on first use: no work at import."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Observation

from common.events import CacheUsage, PoolUsage
from common.telemetry.names import TRACER, Attribute, Metric


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


@cache
def messages() -> Counter:
    """Count deliveries of messages, by consumer and what became of each: `outcome`."""
    return metrics.get_meter(TRACER).create_counter(Metric.MESSAGES)


@cache
def telemetry_dropped() -> Counter:
    """Count spans, data points and log records that did not reach their collector, by signal and cause."""
    return metrics.get_meter(TRACER).create_counter(Metric.TELEMETRY_DROPPED)


def observe_pool(name: str, usage: Callable[[], PoolUsage]) -> None:
    """Export a pool's usage from now on: connections by state (`used`, `idle`), their limit, who waits."""
    pool: dict[str, str] = {Attribute.POOL: name}

    def connections(_: CallbackOptions) -> Iterable[Observation]:
        now = usage()
        yield Observation(now.in_use, {**pool, Attribute.CONNECTION_STATE: "used"})
        yield Observation(now.size - now.in_use, {**pool, Attribute.CONNECTION_STATE: "idle"})

    meter = metrics.get_meter(TRACER)
    meter.create_observable_up_down_counter(Metric.CONNECTIONS, [connections])
    meter.create_observable_up_down_counter(
        Metric.CONNECTIONS_MAX, [lambda _: [Observation(usage().max, pool)]]
    )
    meter.create_observable_up_down_counter(
        Metric.CONNECTIONS_WAITED_FOR, [lambda _: [Observation(usage().waiting, pool)]]
    )


def observe_cache(usage: Callable[[], CacheUsage]) -> None:
    """Export the config cache's hits and misses from now on."""
    meter = metrics.get_meter(TRACER)
    meter.create_observable_counter(Metric.CACHE_HITS, [lambda _: [Observation(usage().hits)]])
    meter.create_observable_counter(Metric.CACHE_MISSES, [lambda _: [Observation(usage().misses)]])
