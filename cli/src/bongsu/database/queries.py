"""SQL of the commands but that of `bongsu gaps`: it only reads."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from bongsu.errors import CommandError, NotAllowedError, UnreachableError
from common.database.pool import Database, Share
from common.errors import ServiceError, TransientError

# bongsu_admin may have four connections in all; a command needs one.
ONE = Share(1, 1)
ROWS_AT_ONCE = 5_000
LOCK_TIMED_OUT = "PostgreSQL says 55P03"
# A login that is refused, a privilege that is missing.
NOT_ALLOWED = ("PostgreSQL says 28", "PostgreSQL says 42501")
_COUNTS = """
SELECT asked.market,
       (SELECT count(*) FROM market_data WHERE symbol = asked.market) AS candles,
       (SELECT count(*) FROM trading_signals WHERE symbol = asked.market) AS signals,
       (SELECT coalesce(sum(extract(epoch FROM to_time - from_time) / 60), 0)::int FROM candle_gaps
         WHERE symbol = asked.market AND status = 'confirmed_empty') AS confirmed_empty
  FROM unnest($1::text[]) AS asked (market)"""


@asynccontextmanager
async def database(url: str) -> AsyncIterator[Database]:
    """Open the stack's database for one command; errors come out as the command's own."""
    opened = Database(url, service="cli", share=ONE)
    try:
        await opened.open()
        yield opened
    except ServiceError as error:
        raise _as_command_error(error) from error
    finally:
        await opened.close()


def _as_command_error(error: ServiceError) -> CommandError:
    if str(error).startswith(LOCK_TIMED_OUT):
        return CommandError("another open transaction holds the settings; nothing was set, try again")
    # One that names its own wait is a missing table or grant: the server was reached, and answered.
    if isinstance(error, TransientError) and error.retry_after_seconds is None:
        reason = str(error).removeprefix("PostgreSQL cannot be used: ")
        return UnreachableError(
            f"PostgreSQL cannot be used now ({reason}); start the stack with `make run`, or correct"
            " DATABASE_URL"
        )
    kind = NotAllowedError if str(error).startswith(NOT_ALLOWED) else CommandError
    return kind(f"{error}; check that DATABASE_URL names Bongsu's database and bongsu_admin")


@dataclass(frozen=True)
class RowQuery:
    """Which rows are asked for: of one market, in [since, until); None for any."""

    market: str | None
    since: datetime | None
    until: datetime | None


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


@dataclass(frozen=True)
class MarketCounts:
    """Stored candles and signals of a market, and its minutes that are proven to be without trades."""

    candles: int
    signals: int
    confirmed_empty: int


async def newest_candles(
    source: Database, query: RowQuery, *, limit: int | None
) -> AsyncGenerator[StoredCandle, None]:
    """Yield candles, newest first, at most `limit` of them, without holding them all."""
    async with source.transaction() as connection:
        rows = connection.cursor(
            "SELECT symbol, timestamp, open, high, low, close, volume, trade_value FROM market_data"
            " WHERE ($1::text IS NULL OR symbol = $1)"
            " AND ($2::timestamptz IS NULL OR timestamp >= $2)"
            " AND ($3::timestamptz IS NULL OR timestamp < $3)"
            " ORDER BY timestamp DESC, symbol LIMIT $4",
            query.market,
            query.since,
            query.until,
            limit,
            prefetch=ROWS_AT_ONCE,
        )
        async for row in rows:
            yield StoredCandle(**dict(row))


async def read_rows(source: Database, sql: str, *arguments: object) -> list[dict[str, Any]]:
    """Return what a query finds, each row by the names that it gives its columns."""
    async with source.connection() as connection:
        return [dict(row) for row in await connection.fetch(sql, *arguments)]


async def stored_markets(source: Database) -> list[str]:
    """Return the markets that have a candle."""
    rows = await read_rows(source, "SELECT DISTINCT symbol FROM market_data ORDER BY symbol")
    return [row["symbol"] for row in rows]


async def count_rows(url: str, markets: Sequence[str]) -> dict[str, MarketCounts]:
    """Return the counts by market; a market without a row has zeros. CommandError where none can be read."""
    async with database(url) as opened:
        rows = await read_rows(opened, _COUNTS, list(markets))
    return {row.pop("market"): MarketCounts(**row) for row in rows}


async def newest_signals(source: Database, *, market: str | None, limit: int) -> list[dict[str, Any]]:
    """Return signals, the one created last first."""
    return await read_rows(
        source,
        "SELECT id::text, symbol, candle_timestamp, signal_type, confidence, reasoning, source, cause,"
        " model_served, price_at_signal, created_at FROM trading_signals"
        " WHERE ($1::text IS NULL OR symbol = $1) ORDER BY created_at DESC LIMIT $2",
        market,
        limit,
    )


async def signals_by_id(source: Database, beginning: str, *, limit: int) -> list[dict[str, Any]]:
    """Return all that is stored of the signals whose id begins so, at most `limit` of them.

    Args:
        beginning: Lower-case hexadecimal digits and hyphens only.
    """
    return await read_rows(
        source,
        "SELECT id::text, symbol, candle_timestamp, signal_type, confidence, reasoning, source, cause,"
        " model_requested, model_served, prompt_version, snapshot::text, request, response, input_tokens,"
        " output_tokens, latency_ms, cost_usd, price_at_signal, config_revision, trace_id, created_at"
        " FROM trading_signals WHERE id::text LIKE $1 || '%' ORDER BY created_at DESC LIMIT $2",
        beginning,
        limit,
    )
