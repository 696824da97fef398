"""SQL of the database probe: SELECT 1, and what the checks of signals and orders judge. Reads only."""

from __future__ import annotations

import time

from common.database.pool import Database
from common.database.schema import require_schema
from health.domain import StoredFacts

# Of Upbit's order states and of those a trader gives an order before Upbit knows it.
ACTIVE_ORDERS = ("pending", "submitted", "wait", "watch", "open", "partially_filled")

_STORED = """
SELECT pg_postmaster_start_time() AS server_started_at,
       (SELECT created_at FROM trading_signals ORDER BY created_at DESC LIMIT 1) AS newest_signal_at,
       (SELECT min(created_at) FROM orders WHERE status = ANY($1::text[])) AS oldest_active_order_at,
       EXISTS (SELECT FROM orders) AS any_order
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
