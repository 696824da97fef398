"""A handler that ends as it is set, on the store consumer of a real bus."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from nats.js import JetStreamContext

from common.bus.broker import Bus
from common.bus.delivery import Delivery
from common.events import CandlesClosed
from common.streams import STORE_CANDLES
from integration.common.speaking import count


class Handler:
    """Meets the n-th delivery with the n-th end, further ones with the last; None is done."""

    def __init__(self, *ends: Exception | None) -> None:
        self._ends = ends
        self.seen: list[Delivery] = []
        self.events: list[CandlesClosed] = []
        self.times: list[float] = []

    async def __call__(self, event: CandlesClosed, delivery: Delivery) -> None:
        """Take note of the delivery and end it."""
        self.times.append(asyncio.get_running_loop().time())
        self.events.append(event)
        self.seen.append(delivery)
        if end := self._ends[min(len(self.seen), len(self._ends)) - 1]:
            raise end


async def listen(bus: Bus, handler: Callable[[CandlesClosed, Delivery], Awaitable[None]]) -> None:
    """Have the store consumer's messages handled."""
    bus.consume(STORE_CANDLES, CandlesClosed, handler)
    await bus.start()


async def settled(jetstream: JetStreamContext, *, dead: int = 0) -> bool:
    """Return whether nothing is left to deliver or to answer, and so many messages are dead."""
    info = await jetstream.consumer_info("MARKET", STORE_CANDLES.name)
    return info.num_ack_pending == 0 and info.num_pending == 0 and await count(jetstream, "DEAD") == dead
