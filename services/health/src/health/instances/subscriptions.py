"""Core NATS subscriptions: heartbeats, the replies to our own requests, and whatever else asks for an event.

With nats-py itself, because they must begin before the database is there and FastStream's broker starts as a
whole. They outlive reconnects. Each message is decoded once, however many handlers it has.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from common.bus.broker import Bus
from common.bus.decoder import EventT, read_event
from common.clock import utc_now
from common.errors import PermanentError
from common.events import ComponentReport, Event, ServiceHeartbeat, subject_pattern
from common.tasks import Background
from common.telemetry.names import LogEvent
from health.instances.registry import Registry

CONNECT_POLL_SECONDS = 0.1


class Subscriptions(Background):
    """Fills the registry and gives every other event to its handlers.

    Attributes:
        inbox: Where replies arrive; None until everything is subscribed.
        back_since: When the bus was last there again after it had been lost; None while it never was.
        replied: Set with every reply.
    """

    def __init__(self, bus: Bus, registry: Registry) -> None:
        super().__init__("subscriptions", self._subscribe)
        self._bus = bus
        self._registry = registry
        self._log = structlog.get_logger("health.instances.subscriptions")
        self._handlers: dict[type[Event], list[Callable[[Any], None]]] = {}
        self.inbox: str | None = None
        self.back_since: datetime | None = None
        self.replied = asyncio.Event()
        bus.on_reconnect(self._note_reconnect)
        self.subscribe(ServiceHeartbeat, self._on_heartbeat)
        self.subscribe(ComponentReport, self._on_report)

    def subscribe(self, event_type: type[EventT], handler: Callable[[EventT], None]) -> None:
        """Have `handler` called with every event of a type; to be called before `start`."""
        self._handlers.setdefault(event_type, []).append(handler)

    async def _note_reconnect(self) -> None:
        self.back_since = utc_now()

    async def _subscribe(self) -> None:
        """Subscribe as soon as the bus is connected; the subscriptions end with its connection."""
        while self.inbox is None:
            self.inbox = await self._try_subscribe()
            await asyncio.sleep(CONNECT_POLL_SECONDS)

    async def _try_subscribe(self) -> str | None:
        """Return the inbox once everything is subscribed, None while it cannot be."""
        if not self._bus.is_connected:
            return None
        client = self._bus.client
        inbox = client.new_inbox()
        subscriptions = []
        try:
            for event_type in self._handlers:
                subject = inbox if event_type is ComponentReport else subject_pattern(event_type.subject)
                subscriptions.append(await client.subscribe(subject, cb=self._on_message(event_type)))
            await client.flush(timeout=1)
        except (NatsError, OSError, TimeoutError) as error:
            self._log.warning(LogEvent.BUS_ERROR, error=f"{type(error).__name__}: {error}")
            await asyncio.gather(*(item.unsubscribe() for item in subscriptions), return_exceptions=True)
            return None
        return inbox

    def _on_message(self, event_type: type[Event]) -> Callable[[Msg], Awaitable[None]]:
        async def on_message(message: Msg) -> None:
            try:
                event = read_event(message.data, event_type)
            except PermanentError as error:
                self._log.warning(LogEvent.BUS_ERROR, subject=message.subject, error=str(error))
                return
            for handler in self._handlers[event_type]:
                handler(event)

        return on_message

    def _on_heartbeat(self, heartbeat: ServiceHeartbeat) -> None:
        if heartbeat.goodbye:
            self._registry.remove(heartbeat.instance, time.monotonic())
        else:
            self._registry.record_heartbeat(heartbeat, time.monotonic())

    def _on_report(self, report: ComponentReport) -> None:
        self._registry.record_heartbeat(report, time.monotonic())
        self.replied.set()
