"""Transactional outbox: a signal is stored together with its entry, which is deleted once the bus has it.

So no signal stays unpublished, wherever a process dies; one may be published twice, under the same id.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

from common.errors import ServiceError
from common.events import SignalGenerated
from common.tasks import Background
from signaler.repository import SignalRepository

RELAY_SECONDS = 2.0
# A younger signal is being published by the process that stored it.
IN_FLIGHT = timedelta(seconds=5)


class SignalOutbox(Background):
    """Publishes signals; in the background, those that a dead process left unpublished."""

    def __init__(
        self, repository: SignalRepository, publish: Callable[[SignalGenerated], Awaitable[None]]
    ) -> None:
        super().__init__("signal_outbox", self._relay)
        self._repository = repository
        self._publish = publish

    async def publish(self, signal: SignalGenerated) -> None:
        """Publish a stored signal, for the first time or again; TransientError where that fails."""
        await self._publish(signal)
        await self._repository.mark_published(signal.signal_id)

    async def _relay(self) -> None:
        while True:
            # With PostgreSQL or the bus away there is the next round.
            with contextlib.suppress(ServiceError):
                for signal in await self._repository.unpublished_signals(IN_FLIGHT):
                    await self.publish(signal)
            await asyncio.sleep(RELAY_SECONDS)
