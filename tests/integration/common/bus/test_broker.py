"""Publishing on a real server: an event is stored once, or there is an error."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from nats.js import JetStreamContext
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from bongsu.servers.nats.server import NatsServer
from common.bus.broker import Bus
from common.bus.delivery import Delivery
from common.errors import PermanentError, TransientError
from common.events import CandlesClosed
from common.streams import STORE_CANDLES
from common.telemetry.spans import current_trace_id
from integration.common.speaking import PAGES, Speak, count, kept, page, signal
from servers.waiting import eventually

TRACE_ID = 0x4BF92F3577B34DA6A3CE929D0E0E4736
KILOBYTE = 1024


async def test_a_page_published_twice_is_stored_once(collector: Bus, jetstream: JetStreamContext) -> None:
    await collector.publish(page(1))
    await collector.publish(page(1))
    await collector.publish(page(2))
    stored = [
        CandlesClosed.model_validate_json(message.data or b"") for message in await kept(jetstream, "MARKET")
    ]
    assert stored == [page(1), page(2)]


async def test_a_page_fetched_again_by_a_repair_is_no_repeat(
    collector: Bus, jetstream: JetStreamContext
) -> None:
    await collector.publish(page(1))
    await collector.publish(page(1, repair_run_id="run-7"))
    await collector.publish(page(1, repair_run_id="run-7"))
    assert await count(jetstream, "MARKET") == 2


async def test_without_its_stream_an_event_is_an_error_and_not_gone(
    collector: Bus, jetstream: JetStreamContext
) -> None:
    await jetstream.delete_stream("MARKET")
    with pytest.raises(TransientError, match=PAGES):
        await collector.publish(page())


async def test_an_event_in_the_wrong_stream_is_an_error(collector: Bus, jetstream: JetStreamContext) -> None:
    with pytest.raises(TransientError, match="expected stream does not match"):
        await collector.send(PAGES, b"{}", headers={}, stream="SIGNALS")
    assert await count(jetstream, "MARKET") == 0


async def test_an_event_over_256_kilobytes_is_refused_with_both_numbers(
    speak: Speak, jetstream: JetStreamContext
) -> None:
    signaler = await speak("signaler")
    most = 256 * KILOBYTE - len(signal(reasoning="").model_dump_json())
    # Copied, since an event's own text is cut long before.
    fits = signal("s1").model_copy(update={"reasoning": "x" * most})
    await signaler.publish(fits)
    with pytest.raises(PermanentError, match=r"262145 bytes, at most 262144 are sent"):
        await signaler.publish(fits.model_copy(update={"reasoning": "x" * (most + 1)}))
    assert await count(jetstream, "SIGNALS") == 1


async def test_more_than_the_server_takes_is_a_permanent_error(collector: Bus) -> None:
    with pytest.raises(PermanentError, match="1048577 bytes are more than the server takes"):
        await collector.send(PAGES, b"x" * (KILOBYTE * KILOBYTE + 1), headers={}, stream="MARKET")


async def test_a_full_stream_refuses_what_comes_next_and_keeps_what_it_has(
    speak: Speak, jetstream: JetStreamContext
) -> None:
    signaler = await speak("signaler")
    config = (await jetstream.stream_info("SIGNALS")).config
    await jetstream.update_stream(replace(config, max_bytes=4 * KILOBYTE))
    await signaler.publish(signal("first", reasoning="x" * 3 * KILOBYTE))
    with pytest.raises(TransientError, match="maximum bytes exceeded"):
        await signaler.publish(signal("second", reasoning="x" * 3 * KILOBYTE))
    assert await count(jetstream, "SIGNALS") == 1


async def test_a_page_published_while_the_server_is_away_is_stored_when_it_is_back(
    collector: Bus, jetstream: JetStreamContext, fresh_nats: NatsServer
) -> None:
    fresh_nats.kill()
    await eventually(lambda: not collector.is_connected)
    publishing = asyncio.create_task(collector.publish(page()))
    fresh_nats.start()
    await publishing
    await collector.publish(page())
    assert await count(jetstream, "MARKET") == 1


async def test_a_wrong_password_is_refused_and_not_repeated(fresh_nats: NatsServer) -> None:
    bus = Bus(f"nats://collector:hunter22@127.0.0.1:{fresh_nats.port}", service="collector", instance="test")
    with pytest.raises(PermanentError, match="Authorization Violation") as refused:
        await bus.connect()
    assert "hunter22" not in str(refused.value)
    await bus.close()


async def test_the_trace_of_the_sender_is_the_trace_of_the_handler(collector: Bus) -> None:
    traces: list[str] = []

    async def on_page(_: CandlesClosed, __: Delivery) -> None:
        traces.append(current_trace_id())

    collector.consume(STORE_CANDLES, CandlesClosed, on_page)
    await collector.start()
    sender = SpanContext(TRACE_ID, 0xF067AA0BA902B7, is_remote=False, trace_flags=TraceFlags(1))
    with trace.use_span(NonRecordingSpan(sender)):
        await collector.publish(page())
    await eventually(lambda: traces)
    assert traces == [f"{TRACE_ID:032x}"]


async def test_a_trace_header_that_makes_no_sense_costs_no_message(collector: Bus) -> None:
    pages: list[CandlesClosed] = []

    async def on_page(event: CandlesClosed, _: Delivery) -> None:
        pages.append(event)

    collector.consume(STORE_CANDLES, CandlesClosed, on_page)
    await collector.start()
    headers = {"traceparent": "00-none-of-this-01"}
    await collector.send(PAGES, page().model_dump_json().encode(), headers=headers, stream="MARKET")
    await eventually(lambda: pages == [page()])
