"""A telemetry collector that is down costs a counter and one line a signal."""

from __future__ import annotations

import asyncio

from integration.common.conftest import StartMinimal
from servers.otlp import SpanReceiver, span_receiver
from servers.waiting import eventually


def dropped(receiver: SpanReceiver, signal: str, cause: str) -> float:
    """Return the newest count of what did not arrive."""
    attributes = frozenset({("signal", signal), ("error.type", cause)})
    return receiver.sums.get(("bongsu.telemetry.dropped", attributes), 0)


async def test_what_did_not_arrive_is_counted_and_logged_once_and_its_end_too(
    start_minimal: StartMinimal,
) -> None:
    async with span_receiver() as receiver:
        receiver.refuses = 500
        with start_minimal(
            OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
            OTEL_METRIC_EXPORT_INTERVAL="100",
            OTEL_BSP_SCHEDULE_DELAY="100",
            OTEL_BLRP_SCHEDULE_DELAY="100",
            # One span finds room, and those behind it none.
            OTEL_BSP_MAX_QUEUE_SIZE="1",
            OTEL_BSP_MAX_EXPORT_BATCH_SIZE="1",
        ) as running:
            await eventually(lambda: len(running.events("telemetry.dropped")) == 3)
            await eventually(lambda: receiver.refused > 20)
            receiver.refuses = None
            await eventually(lambda: len(running.events("telemetry.resumed")) == 3)
            await eventually(lambda: dropped(receiver, "logs", "export_failed") > 0)
            await eventually(lambda: dropped(receiver, "traces", "export_failed") > 0)
            assert await asyncio.to_thread(running.stop) == 0
            warned = running.events("telemetry.dropped")
            resumed = {line["signal"]: line["dropped"] for line in running.events("telemetry.resumed")}
            lines = running.log.read_text(encoding="utf-8")
    assert {line["signal"] for line in warned} == {"traces", "metrics", "logs"}
    assert all("500" in line["error"] for line in warned)
    assert min(resumed.values()) > 0
    # The SDK's own words about each batch are not printed.
    assert "opentelemetry" not in lines
    # The last line of all was exported too.
    assert "service.stopped" in [record.event for record in receiver.logs]
