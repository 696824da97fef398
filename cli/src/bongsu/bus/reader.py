"""What waits in a stream? Read through a consumer that acknowledges nothing and is gone afterwards."""

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

AT_ONCE = 500
# If this process is killed, the server forgets its consumer by itself.
FORGOTTEN_AFTER_SECONDS = 30.0


@asynccontextmanager
async def reading(
    client: Client, stream: str, subject: str, start: ConsumerConfig
) -> AsyncIterator[AsyncIterator[Msg]]:
    """Give what the stream holds now, oldest first.

    Args:
        start: Where to begin, and whether bodies are wanted; the rest of the consumer is set here.
    """
    jetstream = jetstream_of(client)
    # Without a name of ours: whoever may name one may also make a durable one.
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
    """Yield what waited at the beginning; what was added since is not waited for."""
    while waiting > 0:
        try:
            messages = await subscription.fetch(min(AT_ONCE, waiting), timeout=ANSWER_SECONDS)
        except NatsTimeoutError:
            # The stream may have let go of the rest in the meantime: its oldest messages leave it.
            if (await subscription.consumer_info()).num_pending:
                raise
            return
        for message in messages:
            yield message
        waiting = min(waiting - len(messages), messages[-1].metadata.num_pending)
