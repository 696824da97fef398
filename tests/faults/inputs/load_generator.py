"""A publisher of our own beside the collector, who writes down what the bus acknowledged."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from common.bus.broker import Bus
from common.clock import CLOSED_AFTER, MINUTE
from common.errors import ServiceError
from common.events import Candle, CandlesClosed
from faults.inputs.recording import FIRST
from faults.stack.supervised import WITNESS, Rig, through

# Nobody collects it, so no repair fills what would be lost.
MARKET = "KRW-WITNESS"
CANDLES_A_PAGE = 5
PAUSE_SECONDS = 0.05


@dataclass
class Witness:
    """What was published: `acked` for certain, `unknown` perhaps; by the first minute of each page."""

    acked: list[datetime] = field(default_factory=list)
    unknown: list[datetime] = field(default_factory=list)

    async def publish(self, rig: Rig) -> None:
        """Publish pages, one after the other, until cancelled; each has its own minutes."""
        url = through(rig.running.nats.url("collector"), rig.links[f"{WITNESS}>nats"])
        bus = Bus(url, service="collector", instance="witness")
        await bus.connect()
        start = FIRST
        try:
            while True:
                try:
                    await bus.publish(page(start))
                    self.acked.append(start)
                except ServiceError:
                    self.unknown.append(start)
                start += CANDLES_A_PAGE * MINUTE
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            await bus.close()


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
