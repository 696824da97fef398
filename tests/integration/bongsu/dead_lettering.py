"""Dead letters: messages that a service really gave up, and others that were put into DEAD by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nats.js import JetStreamContext

from bongsu.servers.nats.server import NatsServer
from common.bus.broker import Bus
from common.events import CandlesClosed
from common.streams import STORE_CANDLES, Consumer
from integration.common.handling import Handler
from integration.common.speaking import PAGES, count
from servers.waiting import eventually

NOT_JSON = b"<html>502 Bad Gateway</html>"


@asynccontextmanager
async def service(
    server: NatsServer, handler: Handler, consumer: Consumer = STORE_CANDLES
) -> AsyncIterator[Bus]:
    """A service that reads a durable consumer of pages for as long as this lasts."""
    bus = Bus(server.url(consumer.service), service=consumer.service, instance="test")
    await bus.connect()
    bus.consume(consumer, CandlesClosed, handler)
    await bus.start()
    yield bus
    await bus.close()


async def settled(jetstream: JetStreamContext, *, dead: int, consumer: Consumer = STORE_CANDLES) -> bool:
    """Return whether nothing is left to deliver to a consumer, and so many messages are dead."""
    info = await jetstream.consumer_info(consumer.stream, consumer.name)
    return not (info.num_ack_pending or info.num_pending) and await count(jetstream, "DEAD") == dead


async def dead_letter(
    server: NatsServer, jetstream: JetStreamContext, *bodies: bytes, **headers: str
) -> None:
    """Publish pages that cannot be read, and return once the store has given them up."""
    before = await count(jetstream, "DEAD")
    for body in bodies:
        await jetstream.publish(PAGES, body, headers=headers or None)
    async with service(server, Handler(None)):
        await eventually(lambda: settled(jetstream, dead=before + len(bodies)))


async def put(jetstream: JetStreamContext, subject: str, body: bytes = b"{}", **headers: str) -> int:
    """Put a message into DEAD by hand, without the headers of a dead letter; returns its sequence."""
    return (await jetstream.publish(f"dead.{subject}", body, headers=headers or None)).seq
