"""SQL of /api/v1: every statement goes by an index, has a LIMIT and a time limit. Reads only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from common.config.queries import StoredSetting, stored_settings
from common.database.pool import Database
from common.events import Action
from common.gaps import GapStatus
from health.api.pagination import PageToken
from health.api.schemas import (
    CandleAnswer,
    GapAnswer,
    MarketAnswer,
    NewestCandleAnswer,
    SignalAnswer,
    SignalRecord,
)

Row: TypeAlias = asyncpg.Record

STATEMENT_SECONDS = 1.0
# A list shows the beginning of a reasoning, the record all of it.
LISTED_REASONING = 2000

# Of the measurements too. The gaps of a market never overlap, so the last one begins last.
MARKETS = """
SELECT asked.market, candle.timestamp, candle.close, candle.source, candle.collected_at,
       day_before.close AS close_24h_ago,
       (SELECT max(candle_timestamp) FROM trading_signals WHERE symbol = asked.market) AS newest_signal_at,
       (SELECT to_time FROM candle_gaps WHERE symbol = asked.market AND status <> 'open'
         ORDER BY from_time DESC LIMIT 1) AS resolved_until,
       coalesce((SELECT sum(extract(epoch FROM to_time - from_time) / 60) FROM candle_gaps
                  WHERE symbol = asked.market AND status = 'open'), 0)::int AS open_gap_minutes
  FROM unnest($1::text[]) WITH ORDINALITY AS asked (market, place)
  LEFT JOIN LATERAL (SELECT timestamp, close, source, collected_at FROM market_data
                      WHERE symbol = asked.market ORDER BY timestamp DESC LIMIT 1) AS candle ON true
  LEFT JOIN LATERAL (SELECT close FROM market_data
                      WHERE symbol = asked.market AND timestamp <= candle.timestamp - interval '1 day'
                        AND timestamp > candle.timestamp - interval '2 days'
                      ORDER BY timestamp DESC LIMIT 1) AS day_before ON true
 ORDER BY asked.place
"""

CANDLES = """
SELECT timestamp, open, high, low, close, volume, trade_value, revision, source, collected_at
  FROM market_data WHERE symbol = $1 AND timestamp >= $2 AND timestamp < $3
 ORDER BY timestamp DESC LIMIT $4
"""

# By the operator of the exclusion constraint, whose index finds what touches a range.
GAPS = """
SELECT from_time, to_time, (extract(epoch FROM to_time - from_time) / 60)::int AS minutes, status,
       detected_at, resolved_at, evidence
  FROM candle_gaps
 WHERE symbol = $1 AND tstzrange(from_time, to_time) && tstzrange($2, $3)
   AND ($4::text IS NULL OR status = $4)
 ORDER BY from_time DESC LIMIT $5
"""

LISTED = f"""
SELECT id, symbol AS market, candle_timestamp, signal_type, confidence, left(reasoning, {LISTED_REASONING})
       AS reasoning, source, cause, price_at_signal, model_served, cost_usd, latency_ms, created_at
  FROM trading_signals
"""  # noqa: S608  a constant
# Of one market in the order of its minutes, which is unique; of all by when they were made.
SIGNALS_OF_MARKET = f"""{LISTED}
 WHERE symbol = $1 AND candle_timestamp < $2 AND ($3::text IS NULL OR signal_type = $3)
 ORDER BY candle_timestamp DESC LIMIT $4
"""
SIGNALS = f"""{LISTED}
 WHERE (created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT $3
"""
SIGNALS_OF_ACTION = f"""{LISTED}
 WHERE signal_type = $4 AND (created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT $3
"""

SIGNAL = "SELECT *, symbol AS market FROM trading_signals WHERE id = $1"

USAGE = "SELECT model, requests, cost_usd, blocked_until FROM gemini_usage WHERE day = $1 ORDER BY model"


@dataclass(frozen=True)
class Usage:
    """What one model was asked and what it cost on one day."""

    model: str
    requests: int
    cost_usd: Decimal
    blocked_until: datetime | None


class ApiRepository:
    """Reads; every method raises TransientError while PostgreSQL is away or slow.

    A list asks for one row more than `limit`: its caller sees by it whether there are more.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def markets(self, markets: Sequence[str]) -> list[MarketAnswer]:
        """Return each market as stored, in the given order, without a price of its own."""
        rows = await self._fetch(MARKETS, list(markets))
        return [
            MarketAnswer(
                market=row["market"],
                price=None,
                price_at=None,
                newest_candle=NewestCandleAnswer(
                    timestamp=row["timestamp"], close=row["close"], collected_at=row["collected_at"]
                )
                if row["timestamp"]
                else None,
                close_24h_ago=row["close_24h_ago"],
                newest_signal_at=row["newest_signal_at"],
                open_gap_minutes=row["open_gap_minutes"],
            )
            for row in rows
        ]

    async def candles(self, market: str, start: datetime, end: datetime, limit: int) -> list[CandleAnswer]:
        """Return the newest candles of [start, end), newest first."""
        rows = await self._fetch(CANDLES, market, start, end, limit + 1)
        return [CandleAnswer(**dict(row)) for row in rows]

    async def gaps(
        self, market: str, start: datetime, end: datetime, status: GapStatus | None, limit: int
    ) -> list[GapAnswer]:
        """Return the newest gaps that touch [start, end), newest first."""
        rows = await self._fetch(GAPS, market, start, end, status, limit + 1)
        return [GapAnswer(**dict(row)) for row in rows]

    async def signals(
        self, market: str | None, action: Action | None, after: PageToken, limit: int
    ) -> list[SignalAnswer]:
        """Return the signals that follow `after`, newest first."""
        if market is not None:
            rows = await self._fetch(SIGNALS_OF_MARKET, market, after.moment, action, limit + 1)
        elif action is not None:
            rows = await self._fetch(SIGNALS_OF_ACTION, after.moment, after.id, limit + 1, action)
        else:
            rows = await self._fetch(SIGNALS, after.moment, after.id, limit + 1)
        return [SignalAnswer(**dict(row)) for row in rows]

    async def signal(self, signal_id: UUID) -> SignalRecord | None:
        """Return all that is stored of a signal; None for an id that there is not."""
        rows = await self._fetch(SIGNAL, signal_id)
        return SignalRecord(**{**rows[0], "snapshot": json.loads(rows[0]["snapshot"])}) if rows else None

    async def usage(self, day: date) -> list[Usage]:
        """Return what each model was asked on a day."""
        return [Usage(**dict(row)) for row in await self._fetch(USAGE, day)]

    async def settings(self) -> dict[str, StoredSetting]:
        """Return who set which setting last."""
        async with self._database.connection() as connection:
            return await stored_settings(connection, timeout_seconds=STATEMENT_SECONDS)

    async def _fetch(self, statement: str, *arguments: Any) -> list[Row]:
        async with self._database.connection() as connection:
            rows: list[Row] = await connection.fetch(statement, *arguments, timeout=STATEMENT_SECONDS)
        return rows
