"""SQL of the measurements. Only cheap queries: they run every ten seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import asyncpg

from common.database.pool import Database
from health.api.repository import MARKETS
from health.metrics.measurements import MarketMeasurements

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
            rows = await connection.fetch(MARKETS, list(markets))
            usage = await connection.fetch(_GEMINI)
            size: int = await connection.fetchval("SELECT pg_database_size(current_database())")
        return Stored(
            markets=tuple(_measured(row) for row in rows),
            gemini_requests={row["model"]: row["requests"] for row in usage},
            gemini_cost_usd=sum((row["cost_usd"] for row in usage), Decimal(0)),
            database_bytes=size,
        )


def _measured(row: asyncpg.Record) -> MarketMeasurements:
    return MarketMeasurements(
        market=row["market"],
        newest=row["timestamp"],
        resolved_until=row["resolved_until"],
        source=row["source"],
        collected_at=row["collected_at"],
        open_gap_seconds=60.0 * row["open_gap_minutes"],
    )
