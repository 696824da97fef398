"""SQL of the measurements. Only cheap queries: they run every ten seconds."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from common.clock import utc_now
from common.database.pool import Database
from common.gemini_quota import quota_day
from health.api.repository import MARKETS, USAGE, Usage
from health.metrics.measurements import MarketMeasurements


class MeasurementsRepository:
    """Reads on one connection; raises TransientError while PostgreSQL is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, markets: Sequence[str]) -> tuple[tuple[MarketMeasurements, ...], list[Usage], int]:
        """Return what is stored of these markets, in their order, today's Gemini use, the database's size."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(MARKETS, list(markets))
            usage = await connection.fetch(USAGE, quota_day(utc_now()))
            size: int = await connection.fetchval("SELECT pg_database_size(current_database())")
        return tuple(map(_measured, rows)), [Usage(**dict(row)) for row in usage], size


def _measured(row: asyncpg.Record) -> MarketMeasurements:
    return MarketMeasurements(
        market=row["market"],
        newest=row["timestamp"],
        resolved_until=row["resolved_until"],
        source=row["source"],
        collected_at=row["collected_at"],
        open_gap_seconds=60.0 * row["open_gap_minutes"],
    )
