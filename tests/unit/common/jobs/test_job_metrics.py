from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from common.errors import TransientError
from common.jobs.tracking import track_job
from unit.common.jobs.records import Records


async def test_ok_and_failed_runs_are_timed_and_skipped_ones_only_counted(
    measured: InMemoryMetricReader,
) -> None:
    records = Records()
    for outcome in ("ok", "failed", "skipped"):
        async with track_job("measured_job", owner=records.owner) as run:
            if outcome == "failed":
                run.fail(TransientError("503"))
            if outcome == "skipped":
                run.skip("late", count=2)
    metrics = {
        metric.name: (metric.unit, metric.data.data_points)
        for resource in _read(measured).resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    unit, points = metrics["bongsu.job.duration"]
    timed = {p.attributes["outcome"]: p for p in points if p.attributes["job"] == "measured_job"}
    assert unit == "s"
    assert set(timed) == {"ok", "failed"}
    seconds = sum(record.duration_ms for record in records.all if record.outcome != "skipped") / 1000
    assert sum(point.sum for point in timed.values()) == pytest.approx(seconds)
    _, points = metrics["bongsu.jobs"]
    counted = {p.attributes["outcome"]: p.value for p in points if p.attributes["job"] == "measured_job"}
    assert counted == {"ok": 1, "failed": 1, "skipped": 2}


def _read(reader: InMemoryMetricReader) -> Any:
    return reader.get_metrics_data()
