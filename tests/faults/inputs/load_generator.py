"""Load generator: publishes pages without a pause, and records which of them the bus acknowledged."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from common.bus.broker import Bus
from common.clock import CLOSED_AFTER, MINUTE
from common.errors import ServiceError
from common.events import Candle, CandlesClosed
from faults.inputs.recording import FIRST

# The collector does not collect it, so no repair fills what would be lost.
MARKET = "KRW-LOAD"
CANDLES_A_PAGE = 5
PAUSE_SECONDS = 0.05
RETRY_SECONDS = 0.1


@dataclass
class LoadGenerator:
    """Pages one after the other, each with its own minutes.

    Args:
        retries: Each page is published again until it is acknowledged, as a collector does.

    Attributes:
        acked: The first minute of each page that was acknowledged.
        unknown: Of each page whose first try had no answer.
        acks: Of each acknowledgement, when the try that it answers began, and when it came (monotonic s).
    """

    retries: bool = False
    acked: list[datetime] = field(default_factory=list)
    unknown: list[datetime] = field(default_factory=list)
    acks: list[tuple[float, float]] = field(default_factory=list)

    async def publish(self, urls: str) -> None:
        """Publish to these servers until cancelled."""
        bus = Bus(urls, service="collector", instance="load")
        await bus.connect()
        start = FIRST
        try:
            while True:
                if await self._is_acked(bus, start):
                    self.acked.append(start)
                elif start not in self.unknown[-1:]:
                    self.unknown.append(start)
                if self.retries and start not in self.acked[-1:]:
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                start += CANDLES_A_PAGE * MINUTE
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            await bus.close()

    def resumed(self, since: float) -> float | None:
        """Return how long after a moment the first try that began later was acknowledged, None while none."""
        return next((came - since for began, came in self.acks if began >= since), None)

    async def _is_acked(self, bus: Bus, start: datetime) -> bool:
        began = time.monotonic()
        try:
            await bus.publish(page(start))
        except ServiceError:
            return False
        self.acks.append((began, time.monotonic()))
        return True


def page(start: datetime) -> CandlesClosed:
    """Return the page of these minutes, whose values tell which minute they are."""
    end = start + CANDLES_A_PAGE * MINUTE
    candles = tuple(candle(start + number * MINUTE) for number in range(CANDLES_A_PAGE))
    return CandlesClosed(
        market=MARKET,
        covers_from=start,
        covers_to=end,
        candles=candles,
        collected_at=end + CLOSED_AFTER,
        source="replay",
    )


def candle(minute: datetime) -> Candle:
    """Return the candle of a minute."""
    value = Decimal(int((minute - FIRST) / MINUTE) + 1)
    return Candle(
        timestamp=minute, open=value, high=value, low=value, close=value, volume=value, trade_value=value
    )
