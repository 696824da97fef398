"""Expected records of one service, from the exchange and from what was sent, compared with the real ones."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeAlias

from common.clock import MINUTE
from common.events import Candle, CandlesClosed
from harness.records import Minute, read_streams, read_tables
from harness.servers import Connection, Servers
from upbit_simulator.seeded.market import SeededMarket

# The simulator's own, when it is started without one.
SEED = 1
Values: TypeAlias = tuple[Decimal, Decimal, Decimal, Decimal, Decimal, Decimal]


@dataclass(frozen=True)
class Compared:
    """How many things there should be, and which of them are lost or doubled."""

    due: int
    lost: int
    doubled: int

    def __str__(self) -> str:
        return f"{self.lost} lost, {self.doubled} duplicate"

    @property
    def is_true(self) -> bool:
        """There was something to lose, and all of it is there once."""
        return bool(self.due) and not self.lost and not self.doubled


async def candles_of_exchange(running: Servers, admin: Connection) -> Compared:
    """Compare the table with every candle of the simulated exchange since the first page's first minute.

    A candle that has other values than the exchange's, or was stored as a correction, is a duplicate: the
    exchange corrects none.
    """
    begins = first_minutes((await read_streams(running.nats.url())).pages)
    ends = {row["symbol"]: row["newest"] + MINUTE for row in await admin.fetch(_NEWEST)}
    due = {
        minute: values
        for market, start in begins.items()
        for minute, values in exchange_candles(market, start, ends.get(market, start)).items()
    }
    return await _compare_candles(admin, due)


async def candles_of_pages(admin: Connection, published: list[CandlesClosed]) -> Compared:
    """Compare the table with the candles of pages that were published."""
    due = {(page.market, candle.timestamp): _values(candle) for page in published for candle in page.candles}
    return await _compare_candles(admin, due)


async def signals_of_pages(running: Servers, published: list[CandlesClosed]) -> Compared:
    """Compare table and stream with pages that each end an interval: one row and one message for each."""
    due = {(page.market, page.covers_to - MINUTE) for page in published}
    rows = Counter((await read_tables(running.postgres.url())).signals.values())
    sent = (await read_streams(running.nats.url())).intervals
    lost = [end for end in due if not rows[end] or not sent[end]]
    doubled = [end for end in due if rows[end] > 1 or sent[end] > 1]
    invented = (set(rows) | set(sent)) - due
    return Compared(len(due), len(lost), len(doubled) + len(invented))


def first_minutes(published: list[CandlesClosed]) -> dict[str, datetime]:
    """Return the first minute that was asked for, by market."""
    begins: dict[str, datetime] = {}
    for page in published:
        begins[page.market] = min(page.covers_from, begins.get(page.market, page.covers_from))
    return begins


def exchange_candles(market: str, start: datetime, end: datetime) -> dict[Minute, Values]:
    """Return the simulated exchange's candles of [start, end)."""
    first, stop = (int(moment.timestamp()) // 60 for moment in (start, end))
    return {
        (market, datetime.fromtimestamp(row.open_ms / 1000, UTC)): (
            row.opening,
            row.high,
            row.low,
            row.closing,
            row.volume,
            row.value,
        )
        for row in SeededMarket(SEED).candles(market, first, stop, 1)
    }


async def _compare_candles(admin: Connection, due: dict[Minute, Values]) -> Compared:
    stored: dict[Minute, list[tuple[Values, int]]] = {}
    for row in await admin.fetch(_CANDLES):
        values = tuple(row[name] for name in ("open", "high", "low", "close", "volume", "trade_value"))
        stored.setdefault((row["symbol"], row["timestamp"]), []).append((values, row["revision"]))
    lost = [minute for minute in due if minute not in stored]
    doubled = [
        minute for minute, values in due.items() if minute in stored and stored[minute] != [(values, 1)]
    ]
    return Compared(len(due), len(lost), len(doubled))


def _values(candle: Candle) -> Values:
    return candle.open, candle.high, candle.low, candle.close, candle.volume, candle.trade_value


_NEWEST = "SELECT symbol, max(timestamp) AS newest FROM market_data GROUP BY symbol"
_CANDLES = "SELECT symbol, timestamp, open, high, low, close, volume, trade_value, revision FROM market_data"
