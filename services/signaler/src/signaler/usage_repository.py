"""Gemini's daily budget: requests, cost and blocked models, all SQL on `gemini_usage`.

Every method raises TransientError while PostgreSQL is away, PermanentError where a statement is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from common.database.pool import Database


@dataclass(frozen=True)
class ModelUsage:
    """What one model was asked today; cost is that of all models together."""

    requests: int
    blocked_until: datetime | None
    cost_usd_of_day: Decimal


class UsageRepository:
    """The day's budget of each model."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count_request(
        self, day: date, model: str, *, request_budget: int, cost_budget_usd: Decimal, now: datetime
    ) -> bool:
        """Count one HTTP attempt before it is made; False, and nothing counted, where it may not be made."""
        async with self._database.connection() as connection:
            counted = await connection.fetchval(
                "INSERT INTO gemini_usage AS u (day, model, requests)"
                " SELECT $1, $2, 1 WHERE $3 > 0 AND $4 >"
                "   (SELECT coalesce(sum(cost_usd), 0) FROM gemini_usage WHERE day = $1)"
                " ON CONFLICT (day, model) DO UPDATE SET requests = u.requests + 1"
                "   WHERE u.requests < $3 AND (u.blocked_until IS NULL OR u.blocked_until <= $5)"
                " RETURNING requests",
                day,
                model,
                request_budget,
                cost_budget_usd,
                now,
            )
        return counted is not None

    async def usage(self, day: date, model: str) -> ModelUsage:
        """Return what was used on `day`."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                "SELECT coalesce(sum(requests) FILTER (WHERE model = $2), 0)::int AS requests,"
                " max(blocked_until) FILTER (WHERE model = $2) AS blocked_until,"
                " coalesce(sum(cost_usd), 0) AS cost FROM gemini_usage WHERE day = $1",
                day,
                model,
            )
        assert row is not None  # noqa: S101  an aggregate without GROUP BY has one row
        return ModelUsage(row["requests"], row["blocked_until"], row["cost"])

    async def add_cost(self, day: date, model: str, cost_usd: Decimal) -> None:
        """Add what an attempt cost to the day of the attempt."""
        async with self._database.connection() as connection:
            await connection.execute(
                "UPDATE gemini_usage SET cost_usd = cost_usd + $3 WHERE day = $1 AND model = $2",
                day,
                model,
                cost_usd,
            )

    async def block(self, day: date, models: list[str], until: datetime) -> None:
        """Record that these models are not asked before `until`."""
        async with self._database.connection() as connection:
            await connection.execute(
                "INSERT INTO gemini_usage (day, model, blocked_until) SELECT $1, unnest($2::text[]), $3"
                " ON CONFLICT (day, model) DO UPDATE SET blocked_until = excluded.blocked_until",
                day,
                models,
                until,
            )
