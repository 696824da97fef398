"""Publisher of pages as a collector publishes them, and pages that are each enough for a decision."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal

from nats.aio.client import Client

from common.clock import MINUTE
from common.events import Candle, CandlesClosed
from common.streams import Consumer
from harness.servers import Servers, nats_connection

CANDLES_OF_PAGE = 60
LOOK_BACK = timedelta(minutes=1500)
PRICE = 100_000


class Publisher:
    """Publishes and looks at consumers, as the administrator."""

    def __init__(self, client: Client) -> None:
        self._jetstream = client.jetstream()

    async def publish(self, page: CandlesClosed) -> None:
        """Publish a page under its own id; returns when it is in the stream."""
        body = page.model_dump_json().encode()
        await self._jetstream.publish(
            page.subject_name(), body, stream="MARKET", headers={"Nats-Msg-Id": page.message_id()}
        )

    async def deliveries(self, consumer: Consumer) -> int:
        """Return how often the consumer has delivered a message, again or not."""
        info = await self._jetstream.consumer_info(consumer.stream, consumer.name)
        return info.delivered.consumer_seq if info.delivered else 0


@asynccontextmanager
async def publisher(running: Servers) -> AsyncIterator[Publisher]:
    """Connect as the administrator."""
    async with nats_connection(running.nats.url()) as client:
        yield Publisher(client)


def page_to_decide(number: int, chance: random.Random, *, end: datetime) -> CandlesClosed:
    """Return a page of a market of its own that alone is enough for a decision: its whole look-back.

    Args:
        end: Where the interval ends, a whole minute.
    """
    market, start = f"KRW-MADE{number:04}", end - CANDLES_OF_PAGE * MINUTE
    prices = [Decimal(PRICE + chance.randrange(-500, 501)) for _ in range(CANDLES_OF_PAGE)]
    return CandlesClosed(
        market=market,
        covers_from=end - LOOK_BACK,
        covers_to=end,
        candles=tuple(_candle(start + index * MINUTE, price) for index, price in enumerate(prices)),
        collected_at=end + timedelta(seconds=2),
        source="simulator",
    )


def _candle(minute: datetime, price: Decimal) -> Candle:
    return Candle(
        timestamp=minute,
        open=price,
        high=price + 10,
        low=price - 10,
        close=price,
        volume=Decimal("0.5"),
        trade_value=price / 2,
    )
