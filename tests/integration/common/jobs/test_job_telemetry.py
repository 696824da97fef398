"""What a service exports of its jobs, its pool and its cache."""

from __future__ import annotations

from common.database.pool import SHARES
from integration.common.conftest import StartMinimal
from servers.otlp import SpanReceiver, span_receiver
from servers.waiting import eventually


async def test_a_run_is_exported_as_a_span_and_in_a_histogram_of_exponential_buckets(
    start_minimal: StartMinimal,
) -> None:
    async with span_receiver() as received:
        with start_minimal(
            OTEL_EXPORTER_OTLP_ENDPOINT=received.url,
            OTEL_METRIC_EXPORT_INTERVAL="200",
            OTEL_BSP_SCHEDULE_DELAY="200",
        ) as running:
            await eventually(lambda: "bongsu.job.duration" in received.metric_kinds)
            await eventually(lambda: any(span.name == "job data_collection" for span in received.spans))
            logged = {(line["trace_id"], line["span_id"]) for line in running.events("job.finished")}
    assert received.metric_kinds["bongsu.job.duration"] == "exponential_histogram"
    assert received.metric_kinds["bongsu.jobs"] == "sum"
    exported = {(s.trace_id, s.span_id) for s in received.spans if s.name == "job data_collection"}
    assert exported & logged


async def test_the_pool_and_the_cache_are_exported_as_figures(start_minimal: StartMinimal) -> None:
    pool = ("db.client.connection.pool.name", "bongsu.collector")

    def connections(received: SpanReceiver, state: str) -> float:
        attributes = frozenset([pool, ("db.client.connection.state", state)])
        return received.sums.get(("db.client.connection.count", attributes), 0)

    async with span_receiver() as received:
        with start_minimal(
            OTEL_EXPORTER_OTLP_ENDPOINT=received.url,
            OTEL_METRIC_EXPORT_INTERVAL="200",
        ):
            share = SHARES["collector"]
            await eventually(
                lambda: connections(received, "idle") + connections(received, "used") >= share.min
            )
    assert received.sums["db.client.connection.max", frozenset([pool])] == share.max
    assert received.sums["db.client.connection.pending_requests", frozenset([pool])] == 0
    assert received.sums["bongsu.cache.misses", frozenset()] >= 0
