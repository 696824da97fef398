"""Who is heard on the bus? Heartbeats, goodbyes, tickers, and the answers to our own questions.

With nats-py itself, because hearing must begin before the database is there and FastStream's broker starts
as a whole. Its subscriptions outlive reconnects.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from common.bus.broker import Bus
from common.bus.decoder import read_event
from common.clock import ExchangeClock, utc_now
from common.errors import PermanentError
from common.events import ComponentReport, ServiceHeartbeat, TickerUpdated
from common.tasks import cancel_tasks
from common.telemetry.names import LogEvent
from health.api.live import Heard
from health.instances.registry import Registry

CONNECT_POLL_SECONDS = 0.1


class Listening:
    """Fills the registry, the exchange clock and what the page shows from what is heard."""

    def __init__(self, bus: Bus, registry: Registry, exchange: ExchangeClock, heard: Heard) -> None:
        self._bus = bus
        self._registry = registry
        self._exchange = exchange
        self._heard = heard
        self._task: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("health.instances.subscriptions")
        bus.on_reconnect(self._note_reconnect)
        self._others: defaultdict[str, list[Callable[[bytes], None]]] = defaultdict(list)
        for subject, hear in heard.subjects().items():
            self.also_hear(subject, hear)
        self.inbox: str | None = None
        self.back_since: datetime | None = None
        self.replied = asyncio.Event()

    def also_hear(self, subject: str, hear: Callable[[bytes], None]) -> None:
        """Give every message of a subject to `hear`, which raises PermanentError for what is none."""
        self._others[subject].append(hear)

    def start(self) -> None:
        """Begin to hear as soon as the bus is connected."""
        self._task = asyncio.create_task(self._subscribe())

    async def stop(self) -> None:
        """Stop waiting for the bus; the subscriptions end with its connection."""
        await cancel_tasks([self._task])

    async def _note_reconnect(self) -> None:
        self.back_since = utc_now()

    async def _subscribe(self) -> None:
        while not await self._subscribed():
            await asyncio.sleep(CONNECT_POLL_SECONDS)

    async def _subscribed(self) -> bool:
        if not self._bus.is_connected:
            return False
        client = self._bus.client
        inbox = client.new_inbox()
        subjects: tuple[tuple[str, Callable[[bytes], None]], ...] = (
            (ServiceHeartbeat.subject.format(service="*"), self._on_heartbeat),
            (TickerUpdated.subject.format(market="*"), self._on_ticker),
            (inbox, self._on_report),
            *((subject, _each(hearers)) for subject, hearers in self._others.items()),
        )
        subscriptions = []
        try:
            for subject, hear in subjects:
                subscriptions.append(await client.subscribe(subject, cb=self._checked(hear)))
            await client.flush(timeout=1)
        except (NatsError, OSError, TimeoutError) as error:
            self._log.warning(LogEvent.BUS_ERROR, error=f"{type(error).__name__}: {error}")
            await asyncio.gather(*(item.unsubscribe() for item in subscriptions), return_exceptions=True)
            return False
        self.inbox = inbox
        return True

    def _checked(self, hear: Callable[[bytes], None]) -> Callable[[Msg], Awaitable[None]]:
        async def on_message(message: Msg) -> None:
            try:
                hear(message.data)
            except PermanentError as error:
                self._log.warning(LogEvent.BUS_ERROR, subject=message.subject, error=str(error))

        return on_message

    def _on_heartbeat(self, body: bytes) -> None:
        heartbeat = read_event(body, ServiceHeartbeat)
        if heartbeat.goodbye:
            self._registry.goodbye(heartbeat.instance, time.monotonic())
        else:
            self._registry.heard(heartbeat, time.monotonic())

    def _on_report(self, body: bytes) -> None:
        self._registry.heard(read_event(body, ComponentReport), time.monotonic())
        self.replied.set()

    def _on_ticker(self, body: bytes) -> None:
        ticker = read_event(body, TickerUpdated)
        self._exchange.observe(ticker.exchange_time)
        self._heard.ticker(ticker)


def _each(hearers: Sequence[Callable[[bytes], None]]) -> Callable[[bytes], None]:
    """Return one hearer that gives a message to each of them."""

    def hear(body: bytes) -> None:
        for hearer in hearers:
            hearer(body)

    return hear
