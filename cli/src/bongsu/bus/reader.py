"""Reading a whole stream, through an ephemeral consumer that acknowledges nothing.

So what is read stays, and the durable consumers of the services go on as if it had not been read.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig

from bongsu.bus.connection import ANSWER_SECONDS, jetstream_of

BATCH_MESSAGES = 500
# If this process is killed, the server forgets its consumer by itself.
FORGOTTEN_AFTER_SECONDS = 30.0


@asynccontextmanager
async def read_stream(
    client: Client, stream: str, subject: str, start: ConsumerConfig
) -> AsyncIterator[AsyncIterator[Msg]]:
    """Yield what the stream holds now, oldest first.

    Args:
        start: Where to begin, and whether bodies are wanted; the rest of the consumer is set here.
    """
    jetstream = jetstream_of(client)
    # The server names it: a user who may name one may also make a durable one.
    info = await jetstream.add_consumer(
        stream,
        start.evolve(
            filter_subject=subject,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=FORGOTTEN_AFTER_SECONDS,
            mem_storage=True,
        ),
    )
    subscription = await jetstream.pull_subscribe_bind(info.name, stream)
    try:
        yield _messages(subscription, info.num_pending or 0)
    finally:
        with contextlib.suppress(NatsError, OSError, TimeoutError):
            await jetstream.delete_consumer(stream, info.name)


async def _messages(subscription: JetStreamContext.PullSubscription, waiting: int) -> AsyncIterator[Msg]:
    """Yield what waited at the beginning, and nothing that was added since."""
    while waiting > 0:
        try:
            messages = await subscription.fetch(min(BATCH_MESSAGES, waiting), timeout=ANSWER_SECONDS)
        except NatsTimeoutError:
            # The stream may have let go of the rest in the meantime: its oldest messages leave it.
            if (await subscription.consumer_info()).num_pending:
                raise
            return
        for message in messages:
            yield message
        waiting = min(waiting - len(messages), messages[-1].metadata.num_pending)
