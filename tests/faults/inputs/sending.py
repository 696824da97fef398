"""Messages of a fuzz run: good pages of markets that are not collected, with poison between them."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import PubAck

from common.clock import MINUTE, floor_minute, utc_now
from common.events import Candle, CandlesClosed
from faults.inputs.poison import KINDS

# Per second.
GOOD_PACE = 6.0
# The collector does not collect them, so that the collector's own pages are not disturbed.
MARKETS = tuple(f"ZZ-F{number}" for number in range(20))
SENDERS = 8


@dataclass(frozen=True)
class Dose:
    """One bad message."""

    kind: str
    subject: str
    body: bytes


@dataclass
class Sent:
    """What the stream took, by its sequence."""

    good: dict[int, CandlesClosed] = field(default_factory=dict)
    began: dict[int, float] = field(default_factory=dict)
    poison: dict[int, Dose] = field(default_factory=dict)


class Sender:
    """Sends as the administrator, who may publish anything, and keeps what was taken."""

    def __init__(self, client: Client, rng: random.Random) -> None:
        self.rng = rng
        self.jetstream: JetStreamContext = client.jetstream(timeout=10)
        self.sent = Sent()
        self._minutes: Counter[str] = Counter()
        self._since = floor_minute(utc_now()) - 2000 * MINUTE

    def new_page(self) -> CandlesClosed:
        """Return a page of a minute not sent before, collected an hour after its end."""
        market = self.rng.choice(MARKETS)
        self._minutes[market] += 1
        return page(market, self._since + self._minutes[market] * MINUTE, close=self.rng.randint(1, 10**9))

    async def send_good(self, count: int, *, pace: float = GOOD_PACE) -> None:
        """Send so many good pages a second, whatever becomes of those before."""
        async with asyncio.TaskGroup() as sending:
            for _ in range(count):
                sending.create_task(self._send_good(self.new_page()))
                await asyncio.sleep(1 / pace)

    async def _send_good(self, good: CandlesClosed) -> None:
        began = time.monotonic()
        acknowledged = await self.jetstream.publish(
            good.subject_name(), good.model_dump_json().encode(), headers={"Nats-Msg-Id": good.message_id()}
        )
        self.sent.good[acknowledged.seq], self.sent.began[acknowledged.seq] = good, began

    async def send_again(self, pages: Iterable[CandlesClosed], *, as_id_of: bool = False) -> list[PubAck]:
        """Send pages under no id, or under the id that the page sent first of that minute has.

        Returns what the stream said to each.
        """
        ids = {(good.market, good.covers_from): good.message_id() for good in self.sent.good.values()}
        return [
            await self.jetstream.publish(
                again.subject_name(),
                again.model_dump_json().encode(),
                headers={"Nats-Msg-Id": ids[again.market, again.covers_from]} if as_id_of else None,
            )
            for again in pages
        ]

    def new_poison(self, count: int) -> list[Dose]:
        """Return so many bad messages, of every kind about equally many, shuffled."""
        kinds = [*KINDS] * (count // len(KINDS) + 1)
        self.rng.shuffle(kinds)
        return [self._dose(kind) for kind in kinds[:count]]

    def _dose(self, kind: str) -> Dose:
        like = page(self.rng.choice(MARKETS), self._since, close=1)
        return Dose(kind, like.subject_name(), KINDS[kind](self.rng, like))

    async def send_poison(self, poison: Sequence[Dose], within: float = 0) -> None:
        """Send it at an even pace, or at once, several on their way at a time."""
        began = time.monotonic()
        queue = iter(enumerate(poison))

        async def send() -> None:
            for number, dose in queue:
                await asyncio.sleep(began + within * number / len(poison) - time.monotonic())
                acknowledged = await self.jetstream.publish(dose.subject, dose.body)
                self.sent.poison[acknowledged.seq] = dose

        await asyncio.gather(*(send() for _ in range(SENDERS)))


def page(market: str, start: datetime, *, close: int, collected_at: datetime | None = None) -> CandlesClosed:
    """Return a page of one minute."""
    price = Decimal(close)
    candle = Candle(
        timestamp=start, open=price, high=price, low=price, close=price, volume=price, trade_value=price
    )
    return CandlesClosed(
        market=market,
        covers_from=start,
        covers_to=start + MINUTE,
        candles=(candle,),
        collected_at=collected_at or start + 60 * MINUTE,
        source="simulator",
    )
