"""Which pages were delivered and never acknowledged? They are stored now, not when they come again.

Whoever held them died, or handed them back while PostgreSQL was away; the bus delivers them again after up to
30 s. Storing a page twice changes nothing, so nobody has to wait for that.
"""

from __future__ import annotations

import asyncio
import contextlib

import structlog
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from collector.handlers import PageStore
from common.bus.broker import Bus
from common.bus.decoder import read_event
from common.errors import PermanentError, ServiceError
from common.events import CandlesClosed
from common.streams import STORE_CANDLES
from common.tasks import cancel_tasks, run_forever
from common.telemetry.names import LogEvent

CHECK_SECONDS = 1.0
AT_ONCE = 100


class CatchUp:
    """Looks once a second; what was in flight at two looks in a row is overdue."""

    def __init__(self, bus: Bus, store: PageStore) -> None:
        self._bus = bus
        self._pages = store
        self._floor = -1
        self._done = 0
        self._task: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("collector.redelivery")

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(run_forever("catch_up", self._watch))

    async def stop(self) -> None:
        """Stop looking."""
        await cancel_tasks([self._task])

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            # A server that is away is looked at again in a second, and the pages come by themselves too.
            with contextlib.suppress(ServiceError, NatsError, OSError, TimeoutError):
                await self._look()

    async def _look(self) -> None:
        info = await self._bus.jetstream.consumer_info(STORE_CANDLES.stream, STORE_CANDLES.name)
        floor = info.ack_floor.stream_seq if info.ack_floor else 0
        delivered = info.delivered.stream_seq if info.delivered else 0
        overdue = bool(info.num_ack_pending) and floor == self._floor
        self._floor = floor
        if delivered < self._done:
            # The stream was made anew.
            self._done = 0
        if overdue:
            # Behind the floor most are acknowledged; each is stored once more at most.
            first = max(floor, self._done) + 1
            for sequence in range(first, min(delivered, first + AT_ONCE - 1) + 1):
                await self._store(sequence)
                self._done = sequence

    async def _store(self, sequence: int) -> None:
        try:
            message = await self._bus.jetstream.get_msg(STORE_CANDLES.stream, sequence)
            page = read_event(message.data or b"", CandlesClosed, subject=message.subject)
            await self._pages.store(page, sequence)
        except (NotFoundError, PermanentError):
            # Let go of by the stream, or poison: the consumer deals with what still comes.
            return
        self._log.info(LogEvent.PAGE_STORED_EARLY, market=page.market, sequence=sequence)
