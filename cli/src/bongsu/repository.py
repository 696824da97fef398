"""All SQL of the commands: they only read, settings apart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from bongsu.errors import CommandError, UnreachableError
from common.database import Database, Share
from common.errors import PermanentError, TransientError

# bongsu_admin may have four connections in all; a command needs one.
ONE = Share(1, 1)


@asynccontextmanager
async def database(url: str) -> AsyncIterator[Database]:
    """Open the stack's database for one command; errors come out as the command's own."""
    if not url:
        raise UnreachableError("DATABASE_URL is not known; start the stack with `make run` or set it")
    opened = Database(url, service="cli", share=ONE)
    try:
        await opened.open()
        yield opened
    except TransientError as error:
        raise UnreachableError(f"PostgreSQL cannot be reached: {error}") from error
    except PermanentError as error:
        raise CommandError(str(error)) from error
    finally:
        await opened.close()


@dataclass(frozen=True)
class StoredCandle:
    """One row of `market_data`."""

    symbol: str
    timestamp: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    trade_value: Decimal


async def newest_candles(
    source: Database, *, market: str | None, since: datetime | None, until: datetime | None, limit: int | None
) -> list[StoredCandle]:
    """Return candles in [since, until), newest first, at most `limit` of them."""
    async with source.connection() as connection:
        rows = await connection.fetch(
            "SELECT symbol, timestamp, open, high, low, close, volume, trade_value FROM market_data"
            " WHERE ($1::text IS NULL OR symbol = $1)"
            " AND ($2::timestamptz IS NULL OR timestamp >= $2)"
            " AND ($3::timestamptz IS NULL OR timestamp < $3)"
            " ORDER BY timestamp DESC, symbol LIMIT $4",
            market,
            since,
            until,
            limit,
        )
    return [StoredCandle(**dict(row)) for row in rows]


async def newest_signals(source: Database, *, market: str | None, limit: int) -> list[dict[str, Any]]:
    """Return signals, the one created last first."""
    async with source.connection() as connection:
        rows = await connection.fetch(
            "SELECT id::text, symbol, candle_timestamp, signal_type, confidence, reasoning, source, cause,"
            " model_served, price_at_signal, created_at FROM trading_signals"
            " WHERE ($1::text IS NULL OR symbol = $1) ORDER BY created_at DESC LIMIT $2",
            market,
            limit,
        )
    return [dict(row) for row in rows]


async def settings_in_force(source: Database) -> dict[str, dict[str, Any]]:
    """Return who set what and when, by key; a key nobody set is not in it."""
    async with source.connection() as connection:
        rows = await connection.fetch("SELECT key, revision, updated_at, updated_by FROM system_config")
    return {row["key"]: dict(row) for row in rows}
