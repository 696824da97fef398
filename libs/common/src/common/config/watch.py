"""How does every instance learn within moments that a setting changed, whatever the bus does?

`config.changed` drops the key at once; a reconnect drops all; comparing revisions every 20 s is the net.
Listeners are told at once too, of a storm of changes once a second.
While a key is stale or its row is nonsense, that is every 2 s, so that health soon sees it put right.
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
from common.tasks import cancel_tasks, run_forever
from common.telemetry.names import LogEvent

COMPARE_SECONDS = 20.0
LOOK_SECONDS = 2.0
TELL_SECONDS = 1.0


class ConfigWatch:
    """Keeps one repository's cache coherent and tells listeners that something changed."""

    def __init__(self, bus: Bus, config: ConfigRepository) -> None:
        self._config = config
        self._listeners: list[Callable[[], Awaitable[None]]] = []
        self._comparing: asyncio.Task[None] | None = None
        self._telling: asyncio.Task[None] | None = None
        self._changed: dict[str, int] = {}
        self._due = asyncio.Event()
        self._told_stale = False
        self._failing = False
        self._log = structlog.get_logger("common.config.watch")
        bus.on_config_changed(self._on_changed)
        bus.on_reconnect(self._drop_all)

    def listen(self, listener: Callable[[], Awaitable[None]]) -> None:
        """Have `listener` run after a change; it reads what it needs and may raise ServiceError."""
        self._listeners.append(listener)

    def start(self) -> None:
        """Begin to compare revisions."""
        self._comparing = asyncio.create_task(run_forever("config_watch", self._compare))

    async def stop(self) -> None:
        """Stop comparing and telling."""
        await cancel_tasks([self._comparing, self._telling])

    async def _on_changed(self, event: ConfigChanged) -> None:
        self._config.heard(event.revision)
        if event.key not in REGISTRY:
            return  # a newer version's business
        await self._config.cache.invalidate(event.key)
        self._changed[event.key] = event.revision
        self._due.set()
        self._telling = self._telling or asyncio.create_task(run_forever("config_watch", self._tell_changes))

    async def _tell_changes(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            changed, self._changed = self._changed, {}
            for key, revision in changed.items():
                self._log.info(LogEvent.CONFIG_CHANGED, key=key, revision=revision)
            await self._tell()
            await asyncio.sleep(TELL_SECONDS)

    async def _drop_all(self) -> None:
        await self._config.cache.invalidate()
        await self._tell()

    async def _compare(self) -> None:
        while True:
            try:
                if await self._config.refresh() or self._told_stale:
                    await self._tell()
                self._failing = False
            except ServiceError as error:
                if not self._failing:
                    self._log.warning(LogEvent.CONFIG_STALE, error=str(error))
                self._failing = True
            await self._until_due()

    async def _until_due(self) -> None:
        for _ in range(round(COMPARE_SECONDS / LOOK_SECONDS)):
            await asyncio.sleep(LOOK_SECONDS)
            usage = self._config.usage()
            if usage.stale_keys or usage.invalid_keys:
                return

    async def _tell(self) -> None:
        self._told_stale = False
        for listener in self._listeners:
            try:
                await listener()
            except ServiceError as error:
                # The listener reads again at the next change or comparison.
                self._log.warning(LogEvent.CONFIG_STALE, error=str(error))
                self._told_stale = True
        # A listener that was given a last known value is told again once PostgreSQL answers.
        self._told_stale = self._told_stale or bool(self._config.usage().stale_keys)
