"""Is it this instance that tells, and what has been told so far?

It is the one that wrote the newest record (`told.py`), for as long as it is heard. While the bus is away
whoever told goes on telling, and writes it down when the bus is back.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import timedelta

from common.bus.broker import Bus
from common.clock import utc_now
from common.errors import TransientError
from health.instances.registry import Registry
from health.notifications.checkpoint import Told, ToldRecords
from health.schemas import OverallStatus

# Records are kept for a day.
RENEWED_AFTER = timedelta(hours=8)


class Turn:
    """The turn among replicas.

    Args:
        on_lost: Called with what this instance told last and with the record of the one that tells now.
    """

    def __init__(
        self, bus: Bus, registry: Registry, *, instance: str, on_lost: Callable[[Told, Told], None]
    ) -> None:
        self._bus = bus
        self._registry = registry
        self._instance = instance
        self._on_lost = on_lost
        self._records = ToldRecords(bus)
        self._recording = asyncio.Lock()
        self._is_written = True
        self.told = Told()

    @property
    def is_ours(self) -> bool:
        """Whether this instance tells, as far as it knows."""
        return self.told.teller == self._instance

    async def take(self, *, status: OverallStatus, dead_sequence: int | None) -> None:
        """Take the turn where nobody has it, and keep it.

        Args:
            status: What is seen now; no change where nobody knows what was told before.
            dead_sequence: Likewise the newest dead message.

        Raises:
            TransientError: The bus is away.
        """
        if self.is_ours:
            if not self._is_written or utc_now() - self.told.at > RENEWED_AFTER:
                await self._write()
            return
        newest = await self._records.newest() or Told()
        live = {heard.state.instance for heard in self._registry.live(time.monotonic())}
        if newest.teller != self._instance and newest.teller in live:
            return
        first: dict[str, object] = {"status": newest.last_known(status), "telling": None}
        if newest.dead_sequence is None:
            first["dead_sequence"] = dead_sequence
        self.told = newest.model_copy(update=first)
        await self._write()

    async def is_still_ours(self) -> bool:
        """Ask once more: between two posts another replica may have taken over."""
        if self.is_ours and self._bus.is_connected:
            # Where nobody answers, nobody else can have taken over either.
            with contextlib.suppress(TransientError):
                async with self._recording:
                    newest = await self._records.newest()
                    if newest and newest.number > self.told.number:
                        self._follow(newest)
        return self.is_ours

    async def note(self, told: Told) -> None:
        """Take note of what is out, and write it down as soon as the bus takes it."""
        self.told, self._is_written = told, False
        if self._bus.is_connected:
            # What cannot be written now is at the next look.
            with contextlib.suppress(TransientError):
                await self._write()

    async def _write(self) -> None:
        async with self._recording:
            mine = {"number": self.told.number + 1, "teller": self._instance, "at": utc_now()}
            writing = self.told.model_copy(update=mine)
            if await self._records.write(writing):
                # While it was written, more may have been told.
                self._is_written = self.told.says_the_same_as(writing)
                self.told = self.told.model_copy(update=mine)
            else:
                self._follow(await self._records.newest() or Told())

    def _follow(self, newest: Told) -> None:
        """Go on behind a record that is newer than what we know."""
        if newest.teller == self._instance:
            # Our own, whose acknowledgement was lost.
            self.told = self.told.model_copy(update={"number": newest.number})
            return
        was_ours, before = self.is_ours, self.told
        self.told, self._is_written = newest, True
        if was_ours:
            self._on_lost(before, newest)
