"""What the signaler and the Gemini simulator did, and rows as the collector would store them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

from common.events import Candle
from servers.services import ServiceProcess
from servers.simulators import Simulator

MARKET = "KRW-BTC"


def generations(gemini: Simulator) -> int:
    """Return how many generateContent requests have come so far, answered or not."""
    rows = gemini.get("/_control/stats")["requests"]
    return sum(row["count"] for row in rows if row["route"].endswith(":{method}"))


def jobs(signaler: ServiceProcess, outcome: str) -> list[dict[str, Any]]:
    """Return the records of runs that ended so."""
    return [line for line in signaler.events("job.finished") if line["outcome"] == outcome]


async def store_candles(url: str, candles: Sequence[Candle], *, collected_at: datetime) -> None:
    """Insert candles as the collector's store does."""
    connection = await asyncpg.connect(url)
    try:
        await connection.executemany(
            "INSERT INTO market_data (symbol, timestamp, open, high, low, close, volume, trade_value, source,"
            " collected_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'simulator', $9)",
            [
                (MARKET, c.timestamp, c.open, c.high, c.low, c.close, c.volume, c.trade_value, collected_at)
                for c in candles
            ],
        )
    finally:
        await connection.close()


async def rows(url: str, query: str, *arguments: object) -> list[dict[str, Any]]:
    """Return a query's rows."""
    connection = await asyncpg.connect(url)
    try:
        return [dict(row) for row in await connection.fetch(query, *arguments)]
    finally:
        await connection.close()


async def configure(url: str, **values: object) -> None:
    """Set runtime settings, before anybody has read them."""
    connection = await asyncpg.connect(url)
    try:
        for key, value in values.items():
            await connection.execute(
                "INSERT INTO system_config (key, value) VALUES ($1, $2::jsonb)"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                key,
                json.dumps(value),
            )
    finally:
        await connection.close()
