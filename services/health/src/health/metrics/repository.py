"""SQL of the measurements. Only cheap queries: they run every ten seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from common.database.pool import Database
from health.metrics.measurements import MarketMeasurements

# The gaps of a market never overlap, so the last one begins last.
_MARKETS = """
SELECT asked.market, candle.timestamp AS newest, candle.source, candle.collected_at,
       (SELECT to_time FROM candle_gaps WHERE symbol = asked.market AND status <> 'open'
         ORDER BY from_time DESC LIMIT 1) AS resolved_until,
       (SELECT coalesce(sum(extract(epoch FROM to_time - from_time)), 0)::float8
          FROM candle_gaps WHERE symbol = asked.market AND status = 'open') AS open_gap_seconds
  FROM unnest($1::text[]) WITH ORDINALITY AS asked (market, place)
  LEFT JOIN LATERAL (SELECT timestamp, source, collected_at FROM market_data
                      WHERE symbol = asked.market ORDER BY timestamp DESC LIMIT 1) AS candle ON true
 ORDER BY asked.place
"""
# The vendor's day begins in Los Angeles.
_GEMINI = """
SELECT model, requests, cost_usd FROM gemini_usage
 WHERE day = (now() AT TIME ZONE 'America/Los_Angeles')::date
"""


@dataclass(frozen=True)
class Stored:
    """What was read at one moment; requests by model."""

    markets: tuple[MarketMeasurements, ...]
    gemini_requests: dict[str, int]
    gemini_cost_usd: Decimal
    database_bytes: int


class MeasurementsRepository:
    """Reads on one connection; raises TransientError while PostgreSQL is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, markets: Sequence[str]) -> Stored:
        """Return what is stored of these markets, in their order, and of today."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_MARKETS, list(markets))
            usage = await connection.fetch(_GEMINI)
            size: int = await connection.fetchval("SELECT pg_database_size(current_database())")
        return Stored(
            markets=tuple(MarketMeasurements(**dict(row)) for row in rows),
            gemini_requests={row["model"]: row["requests"] for row in usage},
            gemini_cost_usd=sum((row["cost_usd"] for row in usage), Decimal(0)),
            database_bytes=size,
        )
