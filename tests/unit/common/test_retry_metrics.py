"""Metrics of retries: each is counted, with instruments that exist once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from common.errors import TransientError
from common.retry import CircuitBreaker, with_retry
from unit.common.flaky import Upbit, soon


class SlowDownError(TransientError):
    """A kind of its own."""


def points(reader: InMemoryMetricReader, metric: str, dependency: str) -> list[Any]:
    """Return what is measured of one dependency."""
    read: Any = reader.get_metrics_data()
    return [
        point
        for resource in read.resource_metrics
        for scope in resource.scope_metrics
        for found in scope.metrics
        if found.name == metric
        for point in found.data.data_points
        if point.attributes["dependency"] == dependency
    ]


async def test_each_retry_is_counted_with_its_attempt_and_kind_of_error_and_so_is_the_end(
    measured: InMemoryMetricReader,
) -> None:
    named = CircuitBreaker("counted")
    for failures in (1, 4):
        errors: list[Exception] = [soon() for _ in range(failures)]
        errors[0] = SlowDownError("429", retry_after_seconds=0.002)
        await asyncio.gather(with_retry(breaker=named)(Upbit(errors).ask)(), return_exceptions=True)
    counted = {
        tuple(point.attributes[name] for name in ("attempt", "error.type", "outcome")): point.value
        for point in points(measured, "bongsu.retries", "counted")
    }
    assert counted == {
        (1, "SlowDownError", "scheduled"): 2,
        (2, "TransientError", "scheduled"): 1,
        (3, "TransientError", "scheduled"): 1,
        (4, "TransientError", "exhausted"): 1,
    }


async def test_the_waits_are_measured_in_seconds(measured: InMemoryMetricReader) -> None:
    errors = [TransientError("429", retry_after_seconds=wait) for wait in (0.002, 0.003)]
    await with_retry(breaker=CircuitBreaker("waited"))(Upbit(errors).ask)()
    (point,) = points(measured, "bongsu.retry.wait", "waited")
    assert (point.count, round(point.sum, 6)) == (2, 0.005)


def test_an_instrument_is_made_once_and_may_be_older_than_what_reads_it() -> None:
    # In a process of its own: the first provider of a process is its only one.
    script = """
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from common.telemetry import instruments

early = instruments.retries()
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider(metric_readers=[reader]))
early.add(1)
assert instruments.retries() is early
(scope,) = reader.get_metrics_data().resource_metrics[0].scope_metrics
(metric,) = scope.metrics
assert (metric.name, metric.data.data_points[0].value) == ("bongsu.retries", 1)
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
