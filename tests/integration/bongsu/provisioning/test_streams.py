"""Streams and consumers on a real server: made and corrected as declared, by the reconciler only."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import nats as nats_client
import pytest
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, StreamConfig

from bongsu.provisioning.streams import reconcile
from bongsu.servers.nats.server import NatsServer
from common.streams import CONSUMERS, DECIDE_ON_CANDLES, STORE_CANDLES, STREAMS
from integration.bongsu.dead_lettering import service, settled
from integration.common.handling import Handler
from integration.common.speaking import PAGES, count, page
from servers.waiting import eventually

NAMES = [str(stream.name) for stream in STREAMS]


async def test_an_empty_server_gets_every_stream_and_consumer_and_then_is_left_alone(
    jetstream: JetStreamContext,
) -> None:
    for stream in STREAMS:
        await jetstream.delete_stream(str(stream.name))
    assert await reconcile(jetstream) == [
        *(f"stream {name} was missing and is made" for name in NAMES),
        *(f"consumer {consumer.name} was missing and is made" for consumer in CONSUMERS),
    ]
    assert await reconcile(jetstream) == []


async def test_what_a_stream_promises_is_what_the_server_keeps(jetstream: JetStreamContext) -> None:
    configs = {name: (await jetstream.stream_info(name)).config for name in NAMES}
    refusing = {name for name, config in configs.items() if config.discard == DiscardPolicy.NEW}
    assert refusing >= {"MARKET", "SIGNALS", "CLAIMS", "DEAD"}
    assert refusing.isdisjoint({"CONFIG", "JOBS"})
    assert configs["SIGNALS"].duplicate_window == 24 * 3600
    assert configs["CLAIMS"].max_msgs_per_subject == 1
    assert configs["CLAIMS"].discard_new_per_subject
    for consumer in CONSUMERS:
        config = (await jetstream.consumer_info(consumer.stream, consumer.name)).config
        assert (config.ack_policy, config.max_deliver) == (AckPolicy.EXPLICIT, -1)
        assert config.ack_wait == {"collector": 4, "signaler": 30}[consumer.service]


async def test_a_stream_that_drifted_is_corrected_and_keeps_its_messages(
    jetstream: JetStreamContext,
) -> None:
    declared = (await jetstream.stream_info("MARKET")).config
    await jetstream.publish(PAGES, page().model_dump_json().encode())
    drifted = replace(declared, discard=DiscardPolicy.OLD, max_bytes=1024, max_msgs=7, max_msgs_per_subject=1)
    await jetstream.update_stream(drifted)
    assert await reconcile(jetstream) == [
        "stream MARKET had drifted in discard, max_bytes, max_msgs, max_msgs_per_subject and is corrected"
    ]
    assert (await jetstream.stream_info("MARKET")).config == declared
    assert await count(jetstream, "MARKET") == 1
    assert await reconcile(jetstream) == []


async def test_a_consumer_that_drifted_is_corrected_and_keeps_its_place(
    fresh_nats: NatsServer, jetstream: JetStreamContext
) -> None:
    handler = Handler(None)
    async with service(fresh_nats, handler) as collector:
        await collector.publish(page(1))
        await eventually(lambda: handler.events)
        await eventually(lambda: settled(jetstream, dead=0))
        declared = (await jetstream.consumer_info("MARKET", STORE_CANDLES.name)).config
        await jetstream.add_consumer("MARKET", replace(declared, max_deliver=5, ack_wait=7))
        assert await reconcile(jetstream) == [
            "consumer collector-candles-closed had drifted in ack_wait, max_deliver and is corrected"
        ]
        corrected = (await jetstream.consumer_info("MARKET", STORE_CANDLES.name)).config
        assert (corrected.max_deliver, corrected.ack_wait) == (-1, 4)
        await collector.publish(page(2))
        await eventually(lambda: len(handler.events) > 1)
    assert handler.events == [page(1), page(2)]


@pytest.mark.parametrize("user", ["collector", "signaler", "health", "cli"])
async def test_no_service_declares_changes_or_deletes(
    fresh_nats: NatsServer, jetstream: JetStreamContext, user: str
) -> None:
    refused: list[str] = []

    async def on_error(error: Exception) -> None:
        refused.append(str(error))

    client = await nats_client.connect(fresh_nats.url(user), error_cb=on_error, inbox_prefix=f"_INBOX_{user}")
    service = client.jetstream()
    market = next(stream for stream in STREAMS if stream.name == "MARKET")
    calls = [
        service.add_stream(StreamConfig(name="MINE", subjects=["mine"])),
        service.update_stream(replace(market, max_bytes=1024)),
        service.purge_stream("MARKET"),
        service.delete_stream("SIGNALS"),
        service.delete_msg("MARKET", 1),
        service.add_consumer("MARKET", ConsumerConfig(durable_name="mine")),
        service.add_consumer("MARKET", ConsumerConfig(name="mine")),
        service.delete_consumer("MARKET", DECIDE_ON_CANDLES.name),
    ]
    # A refused call is never answered; the refusal comes as an error of the connection.
    running = asyncio.gather(*calls, return_exceptions=True)
    await eventually(lambda: len(refused) == len(calls))
    running.cancel()
    await client.close()
    assert all(text.lower().startswith("nats: permissions violation for publish") for text in refused), (
        refused
    )
    assert sorted(info.config.name or "" for info in await jetstream.streams_info()) == sorted(NAMES)
    assert {info.name for info in await jetstream.consumers_info("MARKET")} == {
        consumer.name for consumer in CONSUMERS if consumer.stream == "MARKET"
    }
    assert await reconcile(jetstream) == []
