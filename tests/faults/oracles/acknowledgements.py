"""How did the durable consumers answer each message? Overheard on the bus, where they tell the server."""

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


class Answers:
    """One consumer's answers, by stream sequence."""

    def __init__(self) -> None:
        self.done: dict[int, float] = {}
        self.dead: set[int] = set()
        self.handed_back: defaultdict[int, int] = defaultdict(int)

    async def hear(self, message: Msg) -> None:
        """Take note of one answer."""
        sequence = int(message.subject.split(".")[SEQUENCE_TOKEN])
        if message.data in DONE:
            self.done.setdefault(sequence, time.monotonic())
        elif message.data.startswith(DEAD):
            self.dead.add(sequence)
        elif message.data.startswith(HANDED_BACK):
            self.handed_back[sequence] += 1


@asynccontextmanager
async def overheard(client: Client, consumer: Consumer) -> AsyncIterator[Answers]:
    """Listen until the block ends; needs the rights of the administrator."""
    answers = Answers()
    subject = f"$JS.ACK.{consumer.stream}.{consumer.name}.>"
    subscription = await client.subscribe(subject, cb=answers.hear)
    await subscribed(client)
    try:
        yield answers
    finally:
        await subscription.unsubscribe()
