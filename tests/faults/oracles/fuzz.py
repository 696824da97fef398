"""Oracle of a fuzz run: what was sent, and what the two consumers of pages did with it."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

from common.events import CandlesClosed
from common.streams import DECIDE_ON_CANDLES, STORE_CANDLES
from faults.inputs.sending import Sender
from faults.oracles.acknowledgements import Acknowledgements, recorded_acknowledgements
from harness.servers import Connection, nats_connection, postgres_connection
from harness.stack import Stack
from servers.waiting import eventually

SETTLE_SECONDS = 180.0


@dataclass
class Fuzzed:
    """One run: who sends, and what the two readers of pages answered."""

    sender: Sender
    store: Acknowledgements
    decide: Acknowledgements
    admin: Connection

    async def settled(self, sequences: Iterable[int]) -> None:
        """Return when both readers are done with these messages, one way or the other, or time is up."""
        wanted = set(sequences)
        # What is left then is the finding.
        with contextlib.suppress(AssertionError):
            await eventually(lambda: not self._left(wanted), SETTLE_SECONDS)

    def _left(self, wanted: set[int]) -> int:
        return sum(len(wanted - reader.done.keys() - reader.dead) for reader in (self.store, self.decide))

    async def stored(self, pages: Iterable[CandlesClosed]) -> list[tuple[Decimal, int] | None]:
        """Return close and revision of each page's minute, None where it has no row."""
        rows = await self.admin.fetch(
            "SELECT symbol, timestamp, close, revision FROM market_data WHERE symbol LIKE 'ZZ-%'"
        )
        found = {(row["symbol"], row["timestamp"]): (row["close"], row["revision"]) for row in rows}
        return [found.get((each.market, each.covers_from)) for each in pages]


@asynccontextmanager
async def fuzzing(stack: Stack, seed: int) -> AsyncIterator[Fuzzed]:
    """Connect as the administrator, send as `seed` says, and listen until the block ends."""
    async with (
        postgres_connection(stack.running.postgres.url()) as admin,
        nats_connection(stack.running.nats.url()) as client,
        recorded_acknowledgements(client, STORE_CANDLES) as store,
        recorded_acknowledgements(client, DECIDE_ON_CANDLES) as decide,
    ):
        yield Fuzzed(Sender(client, random.Random(seed)), store, decide, admin)
