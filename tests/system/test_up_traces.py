"""Is a page one trace, from Upbit's answer to the published signal, over three processes?"""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg

from servers.otlp import SpanReceiver, span_receiver
from servers.waiting import eventually
from system.conftest import Start

TREE = """\
bongsu.collector: collect market.candle.closed.{market}
  bongsu.collector: publish market.candle.closed.{market}
    bongsu.collector: process market.candle.closed.{market}
      bongsu.collector: store market_data
    bongsu.signaler: process market.candle.closed.{market}
      bongsu.signaler: job signal_generation
        bongsu.signaler: generate_content gemini
        bongsu.signaler: insert trading_signals
        bongsu.signaler: publish signal.generated.{market}"""


async def test_publish_store_decision_gemini_call_and_insert_share_one_trace(
    start: Start, recording: Path
) -> None:
    async with span_receiver() as receiver:
        options = ("--replay", str(recording), "--speed", "300", "--ephemeral")
        exported = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
        run = start(*options, **exported)
        await asyncio.to_thread(run.until_up)
        trace_id = await eventually(lambda: whole_trace(receiver), 60.0)
        signals = await asyncpg.connect(run.document["database_url"])
        stored = [row["trace_id"] for row in await signals.fetch("SELECT trace_id FROM trading_signals")]
        await signals.close()
        assert await asyncio.to_thread(run.stop) == 0
    print("\n".join(receiver.tree(trace_id)))
    assert trace_id in stored


def whole_trace(receiver: SpanReceiver) -> str:
    """Return the id of a trace whose tree is the expected one, "" while there is none."""
    return next((found for found in receiver.traces() if "\n".join(receiver.tree(found)) == TREE), "")
