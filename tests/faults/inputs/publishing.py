"""How does a harness put pages on the stream by itself, and wait until they are dealt with?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats as nats_client
from nats.aio.client import Client

from common.events import CandlesClosed
from common.streams import DECIDE_ON_CANDLES, STORE_CANDLES, Consumer
from harness.servers import Servers
from servers.waiting import eventually


class Publisher:
    """Publishes as the collector does, and looks at the two consumers, as the administrator."""

    def __init__(self, client: Client) -> None:
        self._jetstream = client.jetstream()

    async def publish(self, page: CandlesClosed) -> None:
        """Publish a page under its own id; returns when it is in the stream."""
        body = page.model_dump_json().encode()
        await self._jetstream.publish(
            page.subject_name(), body, stream="MARKET", headers={"Nats-Msg-Id": page.message_id()}
        )

    async def until_all_stored(self, within: float) -> None:
        """Wait until the store consumer has nothing pending and nothing in flight."""
        await eventually(lambda: self._is_done(STORE_CANDLES), within)

    async def until_all_decided(self, within: float) -> None:
        """The same of the signaler's consumer."""
        await eventually(lambda: self._is_done(DECIDE_ON_CANDLES), within)

    async def deliveries(self, consumer: Consumer) -> int:
        """Return how often the consumer has delivered a message, again or not."""
        info = await self._jetstream.consumer_info(consumer.stream, consumer.name)
        return info.delivered.consumer_seq if info.delivered else 0

    async def _is_done(self, consumer: Consumer) -> bool:
        info = await self._jetstream.consumer_info(consumer.stream, consumer.name)
        return not info.num_pending and not info.num_ack_pending


@asynccontextmanager
async def publisher(running: Servers) -> AsyncIterator[Publisher]:
    """Connect as the administrator."""
    client = await nats_client.connect(running.nats.url())
    try:
        yield Publisher(client)
    finally:
        await client.close()
