"""Invalidation of the config cache: every instance notices a change within moments, whatever the bus does.

`config.changed` drops the key at once; a reconnect drops all; comparing revisions every 20 s is the net.
Listeners are called at once too, during a storm of changes once a second. While a key is stale or its row is
invalid, revisions are compared every 2 s, so that health soon sees it put right.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from common.bus.broker import Bus
from common.config.keys import REGISTRY
from common.config.repository import ConfigRepository
from common.errors import ServiceError
from common.events import ConfigChanged
from common.tasks import Background, cancel_tasks, run_forever
from common.telemetry.names import LogEvent

COMPARE_SECONDS = 20.0
LOOK_SECONDS = 2.0
NOTIFY_SECONDS = 1.0


class ConfigWatch(Background):
    """Keeps one repository's cache coherent and calls listeners after a change."""

    def __init__(self, bus: Bus, config: ConfigRepository) -> None:
        super().__init__("config_watch", self._compare)
        self._config = config
        self._listeners: list[Callable[[], Awaitable[None]]] = []
        self._notifying: asyncio.Task[None] | None = None
        self._changed: dict[str, int] = {}
        self._due = asyncio.Event()
        self._must_notify_again = False
        self._is_failing = False
        self._log = structlog.get_logger("common.config.watch")
        bus.on_config_changed(self._on_changed)
        bus.on_reconnect(self._drop_all)

    def listen(self, listener: Callable[[], Awaitable[None]]) -> None:
        """Have `listener` run after a change; it reads what it needs and may raise ServiceError."""
        self._listeners.append(listener)

    async def stop(self) -> None:
        """Stop comparing revisions and calling listeners."""
        await cancel_tasks([*self._tasks, self._notifying])

    async def _on_changed(self, event: ConfigChanged) -> None:
        self._config.record_revision(event.revision)
        if event.key not in REGISTRY:
            return  # a newer version's business
        await self._config.cache.invalidate(event.key)
        self._changed[event.key] = event.revision
        self._due.set()
        # Here and not in `start`: the bus delivers before.
        self._notifying = self._notifying or asyncio.create_task(run_forever("config_watch", self._announce))

    async def _announce(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            changed, self._changed = self._changed, {}
            for key, revision in changed.items():
                self._log.info(LogEvent.CONFIG_CHANGED, key=key, revision=revision)
            await self._notify()
            await asyncio.sleep(NOTIFY_SECONDS)

    async def _drop_all(self) -> None:
        await self._config.cache.invalidate()
        await self._notify()

    async def _compare(self) -> None:
        while True:
            try:
                if await self._config.refresh() or self._must_notify_again:
                    await self._notify()
                self._is_failing = False
            except ServiceError as error:
                if not self._is_failing:
                    self._log.warning(LogEvent.CONFIG_STALE, error=str(error))
                self._is_failing = True
            await self._until_due()

    async def _until_due(self) -> None:
        for _ in range(round(COMPARE_SECONDS / LOOK_SECONDS)):
            await asyncio.sleep(LOOK_SECONDS)
            usage = self._config.usage()
            if usage.stale_keys or usage.invalid_keys:
                return

    async def _notify(self) -> None:
        self._must_notify_again = False
        for listener in self._listeners:
            try:
                await listener()
            except ServiceError as error:
                # The listener reads again at the next change or comparison.
                self._log.warning(LogEvent.CONFIG_STALE, error=str(error))
                self._must_notify_again = True
        # A listener that read a last known value is called again once PostgreSQL answers.
        self._must_notify_again = self._must_notify_again or bool(self._config.usage().stale_keys)
