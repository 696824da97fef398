"""All SQL of the collector: candles in, gaps kept true, both in one transaction."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import datetime, timedelta

from collector.gaps import RecordedGap, settle_page
from common.clock import MINUTE, utc_now
from common.database.pool import Connection, Database
from common.events import Candle, CandlesClosed

# One writer per market: two pages that touch the same gap would otherwise overwrite each other's view.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('candle_gaps'), hashtext($1))"

_NUMBERS = ("open", "high", "low", "close", "volume", "trade_value")
# The lock comes with the first candle, which saves a round trip; a page without one asks for it by itself.
# Each column of numbers travels as one text, which is exact: with 600 Decimals in asyncpg's binary form the
# statement of a page of 100 took 1.6 ms instead of 1.0.
_PAGE = """unnest(
    $2::timestamptz[],
    string_to_array($3, ',')::numeric[], string_to_array($4, ',')::numeric[],
    string_to_array($5, ',')::numeric[], string_to_array($6, ',')::numeric[],
    string_to_array($7, ',')::numeric[], string_to_array($8, ',')::numeric[])"""
_UPSERT = f"""
WITH market_lock AS MATERIALIZED ({_LOCK})
INSERT INTO market_data AS stored
    (symbol, timestamp, open, high, low, close, volume, trade_value, source, collected_at)
SELECT $1, page.*, $9, $10
FROM market_lock, {_PAGE} AS page
ON CONFLICT (symbol, timestamp) DO UPDATE
SET open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
    volume = excluded.volume, trade_value = excluded.trade_value, source = excluded.source,
    collected_at = excluded.collected_at, revision = stored.revision + 1
WHERE stored.collected_at < excluded.collected_at
  AND (stored.open, stored.high, stored.low, stored.close, stored.volume, stored.trade_value)
      IS DISTINCT FROM
      (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume, excluded.trade_value)
"""  # noqa: S608  made of two texts of this file

# Of one moment there is one truth: which of two answers given then is the newer one is unknown.
_CONTRADICTED = f"""
SELECT stored.timestamp
FROM {_PAGE} AS page (timestamp, open, high, low, close, volume, trade_value)
JOIN market_data AS stored ON stored.symbol = $1 AND stored.timestamp = page.timestamp
WHERE stored.collected_at = $10 AND stored.source = $9
  AND (stored.open, stored.high, stored.low, stored.close, stored.volume, stored.trade_value)
      IS DISTINCT FROM (page.open, page.high, page.low, page.close, page.volume, page.trade_value)
ORDER BY stored.timestamp
"""  # noqa: S608  made of texts of this file

# Runs of candles and resolved gaps, joined; what lies between two rows is not covered.
_COVERED = """
WITH minutes AS (
    SELECT timestamp, timestamp - row_number() OVER (ORDER BY timestamp) * interval '1 minute' AS run
    FROM market_data WHERE symbol = $1 AND timestamp >= $2 AND timestamp < $3
)
SELECT min(timestamp) AS from_time, max(timestamp) + interval '1 minute' AS to_time FROM minutes GROUP BY run
UNION ALL
SELECT from_time, to_time FROM candle_gaps
WHERE symbol = $1 AND status <> 'open' AND to_time > $2 AND from_time < $3
ORDER BY from_time
"""

_FIRST_CANDLE = "SELECT min(timestamp) FROM market_data WHERE symbol = $1"


class CandleRepository:
    """`market_data`, `candle_gaps` and `repair_progress`, all owned by the collector."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._market_locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def store_page(self, page: CandlesClosed) -> list[datetime]:
        """Store a page and settle its minutes' gaps, once however often it comes.

        Returns:
            The minutes that another page of the same moment contradicts; what came first stands.

        An older page never overwrites a newer value; a newer value that differs raises `revision`. A market's
        pages are stored in the order they came: the ledger takes no empty minute before the first candle, so
        a page that overtook the one before would leave its leading empty minutes to the next repair.
        """
        # Before the lock: PostgreSQL is busy with the page before.
        arguments = _arguments(page)
        async with self._market_locks[page.market], self._database.transaction() as connection:
            if page.candles:
                status = await connection.execute(_UPSERT, *arguments)
            else:
                status = await connection.execute(_LOCK, page.market)
            await self._settle_gaps(connection, page)
            if not page.candles or status == f"INSERT 0 {len(page.candles)}":
                return []
            return [row["timestamp"] for row in await connection.fetch(_CONTRADICTED, *arguments)]

    async def _settle_gaps(self, connection: Connection, page: CandlesClosed) -> None:
        known = await _gaps_touching(connection, page.market, page.covers_from, page.covers_to)
        if not known and len(page.candles) == (page.covers_to - page.covers_from) // MINUTE:
            # The common page: a candle for each of its minutes, and no gap to settle or to join.
            return
        rows = await connection.fetch(
            "SELECT timestamp FROM market_data WHERE symbol = $1 AND timestamp >= $2 AND timestamp < $3",
            page.market,
            page.covers_from,
            page.covers_to,
        )
        settled = settle_page(
            known,
            covers_from=page.covers_from,
            covers_to=page.covers_to,
            stored=frozenset(row["timestamp"] for row in rows),
            history_begins=await connection.fetchval(_FIRST_CANDLE, page.market),
            now=utc_now(),
            evidence=page.source,
        )
        await _replace_gaps(connection, page.market, known, settled)

    async def covered_until(self, market: str) -> datetime | None:
        """Return the end of the newest covered minute, None for a market never seen."""
        return await self._moment(
            "SELECT greatest("
            " (SELECT max(timestamp) + interval '1 minute' FROM market_data WHERE symbol = $1),"
            " (SELECT max(to_time) FROM candle_gaps WHERE symbol = $1 AND status <> 'open'))",
            market,
        )

    async def history_begins(self, market: str) -> datetime | None:
        """Return the market's first stored candle."""
        return await self._moment(_FIRST_CANDLE, market)

    async def newest_candle(self) -> datetime | None:
        """Return the newest stored minute of all markets."""
        return await self._moment("SELECT max(timestamp) FROM market_data")

    async def covered_ranges(
        self, market: str, start: datetime, end: datetime
    ) -> list[tuple[datetime, datetime]]:
        """Return the ranges of [start, end) that have candles or are resolved, by start time."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_COVERED, market, start, end)
        return [(row["from_time"], row["to_time"]) for row in rows]

    async def differs(self, page: CandlesClosed) -> bool:
        """Return whether a page has a candle that is not stored, or stored with other values."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT timestamp, open, high, low, close, volume, trade_value FROM market_data"
                " WHERE symbol = $1 AND timestamp >= $2 AND timestamp < $3",
                page.market,
                page.covers_from,
                page.covers_to,
            )
        stored = {Candle.model_validate(dict(row)) for row in rows}
        return not stored.issuperset(page.candles)

    async def looked_until(self, market: str) -> datetime | None:
        """Return how far gap_repair has asked again, None for a market it never saw."""
        return await self._moment("SELECT looked_until FROM repair_progress WHERE symbol = $1", market)

    async def record_looked_until(self, market: str, moment: datetime) -> None:
        """Store how far gap_repair has asked again."""
        async with self._database.connection() as connection:
            await connection.execute(
                "INSERT INTO repair_progress (symbol, looked_until) VALUES ($1, $2)"
                " ON CONFLICT (symbol) DO UPDATE SET looked_until = excluded.looked_until",
                market,
                moment,
            )

    async def record_missing(self, market: str, from_time: datetime, to_time: datetime) -> None:
        """Store that minutes are missing; those already in the ledger stay as they are."""
        async with self._database.transaction() as connection:
            await connection.execute(_LOCK, market)
            await connection.execute(
                "INSERT INTO candle_gaps (symbol, from_time, to_time, status, evidence)"
                " SELECT $1, $2, $3, 'open', 'missing' WHERE NOT EXISTS (SELECT FROM candle_gaps"
                " WHERE symbol = $1 AND from_time < $3 AND to_time > $2)",
                market,
                from_time,
                to_time,
            )

    async def delete_older_than(self, moment: datetime) -> int:
        """Delete candles, a day at most per statement, and gaps before `moment`; returns the candles."""
        deleted = 0
        while count := await self._delete_batch(moment):
            deleted += count
        return deleted

    async def _delete_batch(self, moment: datetime) -> int:
        async with self._database.transaction() as connection:
            oldest: datetime | None = await connection.fetchval(
                "SELECT min(timestamp) FROM market_data WHERE timestamp < $1", moment
            )
            if oldest is None:
                await connection.execute("DELETE FROM candle_gaps WHERE to_time <= $1", moment)
                return 0
            # More at a time could reach the statement limit; less would scan the table more often.
            until = min(moment, oldest + timedelta(days=1))
            status = await connection.execute("DELETE FROM market_data WHERE timestamp < $1", until)
            return int(status.rpartition(" ")[2])

    async def _moment(self, statement: str, *arguments: object) -> datetime | None:
        async with self._database.connection() as connection:
            moment: datetime | None = await connection.fetchval(statement, *arguments)
        return moment


def _arguments(page: CandlesClosed) -> tuple[object, ...]:
    candles = page.candles
    return (
        page.market,
        [candle.timestamp for candle in candles],
        *(",".join(str(getattr(candle, column)) for candle in candles) for column in _NUMBERS),
        page.source,
        page.collected_at,
    )


async def _gaps_touching(
    connection: Connection, market: str, from_time: datetime, to_time: datetime
) -> list[RecordedGap]:
    rows = await connection.fetch(
        "SELECT from_time, to_time, status, detected_at, resolved_at, evidence FROM candle_gaps"
        " WHERE symbol = $1 AND from_time <= $3 AND to_time >= $2 ORDER BY from_time",
        market,
        from_time,
        to_time,
    )
    return [RecordedGap(**row) for row in rows]


async def _replace_gaps(
    connection: Connection, market: str, known: list[RecordedGap], settled: list[RecordedGap]
) -> None:
    if known == settled:
        return
    gone = [gap.from_time for gap in known if gap not in settled]
    fresh = [gap for gap in settled if gap not in known]
    await connection.execute(
        "DELETE FROM candle_gaps WHERE symbol = $1 AND from_time = ANY($2::timestamptz[])", market, gone
    )
    await connection.executemany(
        "INSERT INTO candle_gaps (symbol, from_time, to_time, status, detected_at, resolved_at, evidence)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        [
            (market, gap.from_time, gap.to_time, gap.status, gap.detected_at, gap.resolved_at, gap.evidence)
            for gap in fresh
        ],
    )
