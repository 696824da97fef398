"""A page is one trace, from Upbit's answer to the published signal, over three processes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg

from servers.otlp import ReceivedLog, ReceivedSpan, SpanReceiver, rotel, span_receiver
from servers.waiting import eventually
from system.conftest import Start

PAGE = "market.candle.closed.{market}"
SERVICES = ("collector", "signaler", "health")
SIGNAL = "signal.generated.{market}"
# Each span below its parent: who, what, the kind, and what tells it by the semantic conventions.
EDGES = [
    (None, "collector", f"collect {PAGE}", "INTERNAL", {}),
    (
        f"collect {PAGE}",
        "collector",
        "GET /v1/candles/minutes/{unit}",
        "CLIENT",
        {"http.request.method": "GET", "url.template": "/v1/candles/minutes/{unit}"},
    ),
    (
        f"collect {PAGE}",
        "collector",
        f"publish {PAGE}",
        "PRODUCER",
        {"messaging.system": "nats", "messaging.destination.name": "market.candle.closed.KRW-BTC"},
    ),
    (
        f"publish {PAGE}",
        "collector",
        f"process {PAGE}",
        "CONSUMER",
        {"messaging.consumer.group.name": "collector-candles-closed"},
    ),
    (f"process {PAGE}", "collector", "store market_data", "INTERNAL", {}),
    (
        f"publish {PAGE}",
        "signaler",
        f"process {PAGE}",
        "CONSUMER",
        {"messaging.consumer.group.name": "signaler-candles-closed"},
    ),
    (f"process {PAGE}", "signaler", "job signal_generation", "INTERNAL", {"job.outcome": "ok"}),
    (
        "job signal_generation",
        "signaler",
        "generate_content gemini",
        "CLIENT",
        {"gen_ai.provider.name": "gcp.gemini", "gen_ai.operation.name": "generate_content"},
    ),
    (
        "job signal_generation",
        "signaler",
        "insert trading_signals",
        "CLIENT",
        {"db.system.name": "postgresql", "db.collection.name": "trading_signals"},
    ),
    (
        "job signal_generation",
        "signaler",
        f"publish {SIGNAL}",
        "PRODUCER",
        {"messaging.destination.template": SIGNAL, "messaging.destination.name": "signal.generated.KRW-BTC"},
    ),
]


async def test_a_page_is_one_trace_edge_by_edge_and_its_log_lines_carry_its_ids(
    start: Start, recording: Path, tmp_path: Path
) -> None:
    async with span_receiver() as receiver, rotel(tmp_path, to=receiver.url) as collector:
        options = ("--replay", str(recording), "--speed", "300", "--ephemeral")
        often = {"OTEL_BSP_SCHEDULE_DELAY": "200", "OTEL_BLRP_SCHEDULE_DELAY": "200"}
        run = start(*options, OTEL_EXPORTER_OTLP_ENDPOINT=collector, **often)
        await asyncio.to_thread(run.until_up)
        trace_id = await eventually(lambda: whole_trace(receiver))
        signals = await asyncpg.connect(run.document["database_url"])
        stored = [row["trace_id"] for row in await signals.fetch("SELECT trace_id FROM trading_signals")]
        await signals.close()
        finished = await eventually(lambda: finished_jobs(receiver, trace_id))
        assert await asyncio.to_thread(run.stop) == 0
    print("\n".join(receiver.tree(trace_id)))
    spans = {(span.service, span.name): span for span in receiver.traces()[trace_id]}
    by_id = {span.span_id: span for span in spans.values()}
    for parent, service, name, kind, attributes in EDGES:
        span = spans[f"bongsu.{service}", name]
        above = by_id.get(span.parent_id)
        assert (above.name if above else None, span.kind) == (parent, kind), name
        assert attributes.items() <= span.attributes.items(), name
        assert above is None or above.began <= span.began, name
    assert trace_id in stored
    assert [by_id[log.span_id].name for log in finished] == ["job signal_generation"]
    assert {log.service for log in receiver.logs} == {f"bongsu.{name}" for name in SERVICES}


def whole_trace(receiver: SpanReceiver) -> str:
    """Return the id of a trace that has every edge and nothing else, "" while there is none."""
    expected = sorted((f"bongsu.{service}", name) for _, service, name, _, _ in EDGES)
    return next((found for found, spans in receiver.traces().items() if names(spans) == expected), "")


def finished_jobs(receiver: SpanReceiver, trace_id: str) -> list[ReceivedLog]:
    """Return the log lines of jobs that ended in a trace."""
    return [log for log in receiver.logs if (log.trace_id, log.event) == (trace_id, "job.finished")]


def names(spans: list[ReceivedSpan]) -> list[tuple[str, str]]:
    """Return who did what."""
    return sorted((span.service, span.name) for span in spans)
