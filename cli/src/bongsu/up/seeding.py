"""Seeding of a new database: the first settings, and a check that commits survive a power cut."""

from __future__ import annotations

import json
from typing import Any

from bongsu.errors import CommandError
from bongsu.provisioning.migrations import connected
from bongsu.up.data_source import Market
from common.config.keys import BACKFILL_DAYS, MAX_BACKFILL_DAYS, find_key

AUTHOR = "bongsu up"


def first_settings(market: Market) -> dict[str, Any]:
    """Return the settings in which a stack without the real exchange differs from the defaults. Pure."""
    if market.kind == "live":
        return {}
    settings: dict[str, Any] = {
        "signal_interval_minutes": 1,
        "gemini_daily_request_budget": 10_000,
        # The simulator's answers cost nothing, whatever their tokens would cost elsewhere.
        "gemini_daily_cost_budget_usd": "10000",
    }
    if market.kind == "replay":
        # A fast recording has run for days before the collector is up, and all of it has to arrive.
        days = min(max(BACKFILL_DAYS.default, market.days), MAX_BACKFILL_DAYS)
        settings |= {"markets": list(market.markets), "backfill_days": days}
    return settings


async def seed(url: str, market: Market, *, author: str = AUTHOR) -> None:
    """Write the first settings into a database where none was ever set, in one transaction.

    Args:
        author: Who the history says has set them.

    Raises:
        CommandError: The server does not keep commits over a power cut, or cannot be used.
    """
    async with connected(url) as connection:
        for name in ("fsync", "synchronous_commit"):
            if await connection.fetchval("SELECT current_setting($1)", name) != "on":
                raise CommandError(
                    f"PostgreSQL runs with {name} off: a power cut would lose acknowledged candles"
                )
        if not await connection.fetchval("SELECT NOT EXISTS (SELECT FROM system_config_history)"):
            return
        async with connection.transaction():
            await connection.execute("SELECT set_config('bongsu.changed_by', $1, true)", author)
            for key, value in first_settings(market).items():
                find_key(key).check(value)
                await connection.execute(
                    "INSERT INTO system_config (key, value) VALUES ($1, $2::jsonb)", key, json.dumps(value)
                )
