"""Is each durable consumer of this process still there? FastStream spins silently on one that vanished."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime

from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from common.bus import Bus
from common.streams import Consumer

CHECK_SECONDS = 2.0


class ConsumerWatch:
    """Pauses a subscriber whose consumer is gone and resumes it when the reconciler has made it again."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._created: dict[Consumer, datetime | None] = {}
        self._lost: set[Consumer] = set()
        self._pending: dict[Consumer, int] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def lost(self) -> tuple[str, ...]:
        """The names of consumers that are gone now."""
        return tuple(consumer.name for consumer in self._lost)

    def pending(self, consumer: Consumer) -> int | None:
        """Return how many messages wait or are in flight, None while unknown."""
        return None if consumer in self._lost else self._pending.get(consumer)

    def start(self) -> None:
        """Begin to look every two seconds."""
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Stop looking."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def wait_until_declared(self) -> None:
        """Return once every consumer of this process exists; the reconciler makes them."""
        for consumer in self._bus.consumers:
            while not await self._exists(consumer):
                await asyncio.sleep(0.2)

    async def _exists(self, consumer: Consumer) -> bool:
        with contextlib.suppress(NatsError, OSError, TimeoutError):
            info = await self._bus.jetstream.consumer_info(consumer.stream, consumer.name)
            self._created[consumer] = info.created
            return True
        return False

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            for consumer in self._bus.consumers:
                # An unanswered question says nothing about the consumer.
                with contextlib.suppress(NatsError, OSError, TimeoutError):
                    await self._check(consumer)

    async def _check(self, consumer: Consumer) -> None:
        try:
            info = await self._bus.jetstream.consumer_info(consumer.stream, consumer.name)
        except NotFoundError:
            if consumer not in self._lost:
                self._lost.add(consumer)
                await self._bus.pause_subscriber(consumer)
            return
        made_again = self._created.get(consumer) != info.created
        self._created[consumer] = info.created
        self._pending[consumer] = (info.num_pending or 0) + (info.num_ack_pending or 0)
        if consumer in self._lost or made_again:
            self._lost.discard(consumer)
            await self._bus.restart_subscriber(consumer)
