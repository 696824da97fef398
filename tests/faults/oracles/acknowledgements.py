"""Acknowledgements that the durable consumers send for each message, read from the bus."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nats.aio.client import Client
from nats.aio.msg import Msg

from common.streams import Consumer
from servers.waiting import subscribed

# $JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer sequence>.<time>.<pending>
SEQUENCE_TOKEN = 5
DONE = (b"", b"+ACK")
DEAD = b"+TERM"
HANDED_BACK = b"-NAK"


class Acknowledgements:
    """One consumer's acknowledgements, by stream sequence."""

    def __init__(self) -> None:
        self.done: dict[int, float] = {}
        self.dead: set[int] = set()
        self.handed_back: defaultdict[int, int] = defaultdict(int)

    async def record(self, message: Msg) -> None:
        """Record one acknowledgement."""
        sequence = int(message.subject.split(".")[SEQUENCE_TOKEN])
        if message.data in DONE:
            self.done.setdefault(sequence, time.monotonic())
        elif message.data.startswith(DEAD):
            self.dead.add(sequence)
        elif message.data.startswith(HANDED_BACK):
            self.handed_back[sequence] += 1


@asynccontextmanager
async def recorded_acknowledgements(client: Client, consumer: Consumer) -> AsyncIterator[Acknowledgements]:
    """Record until the block ends; needs the rights of the administrator."""
    acknowledgements = Acknowledgements()
    subject = f"$JS.ACK.{consumer.stream}.{consumer.name}.>"
    subscription = await client.subscribe(subject, cb=acknowledgements.record)
    await subscribed(client)
    try:
        yield acknowledgements
    finally:
        await subscription.unsubscribe()
