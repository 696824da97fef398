"""Who answers right now? One `health.check` request, many replies."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from nats.errors import Error as NatsError

from common.bus.broker import Bus
from common.cache import TTLCache
from common.events import ComponentReport, InstanceState
from health.instances.registry import Registry
from health.instances.subscriptions import Listening

ANSWER_SECONDS = 0.8
KEPT_SECONDS = 5.0


class RollCall:
    """Asks everybody at most once in five seconds, however many callers want to know."""

    def __init__(
        self, bus: Bus, registry: Registry, listening: Listening, own: Callable[[], InstanceState]
    ) -> None:
        self._bus = bus
        self._registry = registry
        self._listening = listening
        self._own = own
        self._cache = TTLCache(KEPT_SECONDS)

    async def hold(self) -> None:
        """Return when all that are expected have answered, after 0.8 s, or at once when just asked."""
        if self._listening.inbox is None or not self._bus.is_connected:
            # Nobody can be asked, so nobody answers. Not kept: it ends the moment the bus is back.
            self._begin()
        else:
            await self._cache.get_or_set("roll_call", self._ask)

    def _begin(self) -> float:
        now = time.monotonic()
        self._registry.heard(self._own(), now)
        self._registry.asked(now)
        return now

    async def _ask(self) -> None:
        began = self._begin()
        # A failure shows as silence, which the registry judges.
        with contextlib.suppress(NatsError, OSError, TimeoutError):
            await self._bus.client.publish(ComponentReport.subject, reply=self._listening.inbox or "")
            await asyncio.wait_for(self._answers(began), ANSWER_SECONDS)

    async def _answers(self, since: float) -> None:
        while not self._registry.all_answered(since):
            self._listening.replied.clear()
            await self._listening.replied.wait()
