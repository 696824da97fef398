"""Scatter-gather poll of all instances: one `health.check` request, many replies, at most once in 5 s."""

from __future__ import annotations

import asyncio
import contextlib
import time

from nats.errors import Error as NatsError

from common.cache import TTLCache
from common.clock import utc_now
from common.events import ComponentReport
from common.runtime.runtime import Runtime
from health.domain import InstanceSnapshot
from health.instances.registry import Registry
from health.instances.subscriptions import Subscriptions

ANSWER_SECONDS = 0.8
KEPT_SECONDS = 5.0


class InstancePoll:
    """Asks the instances at most once in five seconds, however many callers want to know."""

    def __init__(self, runtime: Runtime, registry: Registry, subscriptions: Subscriptions) -> None:
        self._runtime = runtime
        self._bus = runtime.bus
        self._registry = registry
        self._subscriptions = subscriptions
        self._cache = TTLCache(KEPT_SECONDS)
        self._started_at = utc_now()

    @property
    def bus_error(self) -> str | None:
        """Why no instance can be asked; None while the bus is there."""
        if self._subscriptions.inbox is None:
            return "NATS is not reached yet"
        return None if self._bus.is_connected else "NATS is away"

    async def refresh(self) -> None:
        """Return when all that are expected have answered, after 0.8 s, or at once when just asked."""
        if self.bus_error:
            # No request can go out, so no reply comes. Not kept: it ends the moment the bus is back.
            self._begin()
        else:
            await self._cache.get_or_set("instances", self._ask)

    def snapshot(self) -> InstanceSnapshot:
        """Return what is known of all instances now."""
        now = time.monotonic()
        return InstanceSnapshot(
            instances=self._registry.live(now),
            bus_error=self.bus_error,
            bus_back_since=self._subscriptions.back_since,
            stack_since=self._registry.stack_since(now) or self._started_at,
            service_since=self._registry.service_since,
            last_success=self._registry.last_success,
        )

    def _begin(self) -> float:
        now = time.monotonic()
        self._registry.record_heartbeat(self._runtime.report(), now)
        self._registry.record_poll(now)
        return now

    async def _ask(self) -> None:
        began = self._begin()
        # A failure shows as silence, which the registry judges.
        with contextlib.suppress(NatsError, OSError, TimeoutError):
            inbox = self._subscriptions.inbox or ""
            await self._bus.client.publish(ComponentReport.subject, reply=inbox)
            await asyncio.wait_for(self._replies(began), ANSWER_SECONDS)

    async def _replies(self, since: float) -> None:
        while not self._registry.all_answered(since):
            self._subscriptions.replied.clear()
            await self._subscriptions.replied.wait()
