"""A publisher that never stops, and knows of every acknowledgement when it came."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime

from common.bus.broker import Bus
from common.clock import MINUTE
from common.errors import TransientError
from faults.inputs.load_generator import CANDLES_A_PAGE, PAUSE_SECONDS, Witness, page
from faults.inputs.recording import FIRST

AGAIN_SECONDS = 0.1


@dataclass
class Load:
    """Pages one after the other, each published again and again until it is acknowledged, as collectors do.

    Attributes:
        witness: `acked` is every page; `unknown` those of them whose first try had no answer.
        acks: Of each acknowledgement, when the try that it answers began, and when it came (monotonic s).
    """

    witness: Witness = field(default_factory=Witness)
    acks: list[tuple[float, float]] = field(default_factory=list)

    async def publish(self, urls: str) -> None:
        """Publish until cancelled; each page has its own minutes."""
        bus = Bus(urls, service="collector", instance="load")
        await bus.connect()
        start = FIRST
        try:
            while True:
                await self._publish(bus, start)
                start += CANDLES_A_PAGE * MINUTE
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            await bus.close()

    def resumed(self, since: float) -> float | None:
        """Return how long after a moment the first try that began later was acknowledged, None while none."""
        return next((came - since for began, came in self.acks if began >= since), None)

    async def _publish(self, bus: Bus, start: datetime) -> None:
        while not await self._is_acked(bus, start):
            if start not in self.witness.unknown[-1:]:
                self.witness.unknown.append(start)
            await asyncio.sleep(AGAIN_SECONDS)
        self.witness.acked.append(start)

    async def _is_acked(self, bus: Bus, start: datetime) -> bool:
        began = time.monotonic()
        try:
            await bus.publish(page(start))
        except TransientError:
            return False
        self.acks.append((began, time.monotonic()))
        return True
