"""What does health read in PostgreSQL? It writes nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import asyncpg

from common.database.pool import Database
from common.database.schema import require_schema
from health.domain import StoredFacts
from health.schemas import GapMinutes, MarketOverview, NewestCandle, NewestSignal

# Of Upbit's order states and of those a trader gives an order before Upbit knows it.
ACTIVE_ORDERS = ("pending", "submitted", "wait", "watch", "open", "partially_filled")

_STORED = """
SELECT pg_postmaster_start_time() AS server_started_at,
       (SELECT created_at FROM trading_signals ORDER BY created_at DESC LIMIT 1) AS newest_signal_at,
       (SELECT min(created_at) FROM orders WHERE status = ANY($1::text[])) AS oldest_active_order_at,
       EXISTS (SELECT FROM orders) AS any_order
"""

_OVERVIEW = """
SELECT asked.market, candle.timestamp, candle.close, candle.collected_at,
       signal.candle_timestamp, signal.signal_type, signal.confidence, signal.source, signal.cause,
       signal.created_at,
       (SELECT count(*) FROM market_data WHERE symbol = asked.market) AS candles,
       (SELECT count(*) FROM trading_signals WHERE symbol = asked.market) AS signals,
       coalesce(gaps.open, 0) AS open, coalesce(gaps.confirmed_empty, 0) AS confirmed_empty
  FROM unnest($1::text[]) WITH ORDINALITY AS asked (market, place)
  LEFT JOIN LATERAL (SELECT timestamp, close, collected_at FROM market_data
                      WHERE symbol = asked.market ORDER BY timestamp DESC LIMIT 1) AS candle ON true
  LEFT JOIN LATERAL (SELECT * FROM trading_signals
                      WHERE symbol = asked.market ORDER BY candle_timestamp DESC LIMIT 1) AS signal ON true
  LEFT JOIN LATERAL (
        SELECT sum(extract(epoch FROM to_time - from_time) / 60) FILTER (WHERE status = 'open') AS open,
               sum(extract(epoch FROM to_time - from_time) / 60)
                   FILTER (WHERE status = 'confirmed_empty') AS confirmed_empty
          FROM candle_gaps WHERE symbol = asked.market) AS gaps ON true
 ORDER BY asked.place
"""


class HealthRepository:
    """Reads; every method raises TransientError while PostgreSQL is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ping_ms(self) -> float:
        """Return how long SELECT 1 took on a connection that was there already, in milliseconds.

        Raises:
            PermanentError: It answers, and a table or a column is missing.
        """
        async with self._database.connection() as connection:
            began = time.monotonic()
            await connection.fetchval("SELECT 1")
            latency_ms = round((time.monotonic() - began) * 1000, 2)
            await require_schema(connection)
        return latency_ms

    async def stored_facts(self, *, signal_interval_minutes: int) -> StoredFacts:
        """Return what the checks of signals and orders judge."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_STORED, ACTIVE_ORDERS)
        assert row is not None  # noqa: S101  a SELECT without FROM has one row
        return StoredFacts(**dict(row), signal_interval_minutes=signal_interval_minutes)

    async def markets(self, markets: Sequence[str]) -> list[tuple[MarketOverview, datetime | None]]:
        """Return each market as stored, in the given order, with the exchange time of its newest candle."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_OVERVIEW, list(markets))
        return [(_market(row), row["collected_at"]) for row in rows]


def _market(row: asyncpg.Record) -> MarketOverview:
    candle = signal = None
    if row["timestamp"]:
        candle = NewestCandle(timestamp=row["timestamp"], close=_plain(row["close"]))
    if row["candle_timestamp"]:
        names = ("candle_timestamp", "signal_type", "confidence", "source", "cause", "created_at")
        signal = NewestSignal(**{name: row[name] for name in names})
    return MarketOverview(
        market=row["market"],
        newest_candle=candle,
        candles=row["candles"],
        newest_signal=signal,
        signals=row["signals"],
        gaps=GapMinutes(open=int(row["open"]), confirmed_empty=int(row["confirmed_empty"])),
    )


def _plain(price: Decimal) -> Decimal:
    """Return the price without an exponent, which asyncpg gives to whole thousands."""
    return Decimal(f"{price:f}")
