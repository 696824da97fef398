"""Row counts of each market: the one part of the status that only PostgreSQL knows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from common.database.errors import CONNECTION_ERRORS
from common.database.pool import Connection

ANSWER_SECONDS = 0.8
_COUNTS = """
SELECT asked.market,
       (SELECT count(*) FROM market_data WHERE symbol = asked.market) AS candles,
       (SELECT count(*) FROM trading_signals WHERE symbol = asked.market) AS signals,
       (SELECT coalesce(sum(extract(epoch FROM to_time - from_time) / 60), 0)::int FROM candle_gaps
         WHERE symbol = asked.market AND status = 'confirmed_empty') AS confirmed_empty
  FROM unnest($1::text[]) AS asked (market)"""


@dataclass(frozen=True)
class MarketCounts:
    """Stored candles and signals of a market, and its minutes that are proven to be without trades."""

    candles: int
    signals: int
    confirmed_empty: int


async def count_rows(
    connection: asyncpg.Connection[Any] | Connection, markets: Sequence[str]
) -> dict[str, MarketCounts]:
    """Return the counts by market; a market without a row has zeros."""
    rows = await connection.fetch(_COUNTS, list(markets))
    return {
        row["market"]: MarketCounts(row["candles"], row["signals"], row["confirmed_empty"]) for row in rows
    }


class RowCounter:
    """Counts again and again over one connection, which is made when it is needed and cut when it is slow."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection[Any] | None = None

    async def count(self, markets: Sequence[str]) -> dict[str, MarketCounts]:
        """Return the counts by market, {} where PostgreSQL does not answer within 0.8 s."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if self._connection is None:
                    self._connection = await asyncpg.connect(
                        self._url, server_settings={"application_name": "bongsu.up"}
                    )
                return await count_rows(self._connection, markets)
        except (asyncpg.PostgresError, *CONNECTION_ERRORS):
            self.close()
            return {}

    def close(self) -> None:
        """Cut the connection, without waiting for a server that does not answer."""
        if self._connection:
            self._connection.terminate()
            self._connection = None
