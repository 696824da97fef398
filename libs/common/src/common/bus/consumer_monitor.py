"""Monitor of the durable consumers of a process: FastStream spins silently on one that vanished."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from datetime import datetime

from nats.errors import Error as NatsError
from nats.js.api import ConsumerInfo
from nats.js.errors import NotFoundError

from common.bus.broker import Bus
from common.events import ConsumerState
from common.streams import Consumer
from common.tasks import Background

CHECK_SECONDS = 2.0


@dataclass(frozen=True)
class _Progress:
    """How far a consumer had come (stream sequence) when it last moved, and since when, monotonic."""

    acknowledged: int
    since: float


class ConsumerMonitor(Background):
    """Pauses a subscriber whose consumer is gone and resumes it when the reconciler has made it again."""

    def __init__(self, bus: Bus) -> None:
        super().__init__("consumer_monitor", self._watch)
        self._bus = bus
        self._created: dict[Consumer, datetime | None] = {}
        self._lost: set[Consumer] = set()
        self._pending: dict[Consumer, int] = {}
        self._progress: dict[Consumer, _Progress] = {}

    def states(self) -> tuple[ConsumerState, ...]:
        """Return how every consumer of this process is, as of the last look."""
        now = time.monotonic()
        return tuple(
            ConsumerState(
                name=consumer.name,
                lost=consumer in self._lost,
                pending=self._pending.get(consumer, 0),
                stuck_seconds=round(now - progress.since, 1) if progress else 0.0,
                patience_seconds=consumer.patience_seconds,
            )
            for consumer in self._bus.consumers
            for progress in [self._progress.get(consumer)]
        )

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
        if consumer in self._lost or self._created.get(consumer) != info.created:
            await self._bus.restart_subscriber(consumer)
            # Only now: a restart that failed is tried again at the next look.
            self._lost.discard(consumer)
            self._created[consumer] = info.created
        self._note_progress(consumer, info)

    def _note_progress(self, consumer: Consumer, info: ConsumerInfo) -> None:
        self._pending[consumer] = (info.num_pending or 0) + (info.num_ack_pending or 0)
        acknowledged = info.ack_floor.stream_seq if info.ack_floor else 0
        before = self._progress.get(consumer)
        if not self._pending[consumer]:
            self._progress.pop(consumer, None)
        elif before is None or before.acknowledged != acknowledged:
            self._progress[consumer] = _Progress(acknowledged, time.monotonic())
