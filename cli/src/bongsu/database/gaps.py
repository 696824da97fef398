"""SQL of `bongsu gaps`: it only reads."""

from __future__ import annotations

from typing import Any

from bongsu.database.queries import RowQuery, read_rows
from common.database.pool import Database
from common.gaps import GapStatus

_NEWEST = """
SELECT symbol AS market, from_time, to_time,
    (extract(epoch FROM to_time - from_time) / 60)::int AS minutes,
    status, detected_at, resolved_at, evidence
FROM candle_gaps
WHERE ($1::text IS NULL OR symbol = $1)
    AND ($2::timestamptz IS NULL OR to_time > $2)
    AND ($3::timestamptz IS NULL OR from_time < $3)
    AND ($4::text IS NULL OR status = $4)
ORDER BY from_time DESC, symbol
LIMIT $5"""

_SUMS = """
WITH asked AS (
    SELECT symbol, status,
        extract(epoch FROM least(to_time, $3) - greatest(from_time, $2)) / 60 AS minutes
    FROM candle_gaps
    WHERE ($1::text IS NULL OR symbol = $1)
        AND ($2::timestamptz IS NULL OR to_time > $2)
        AND ($3::timestamptz IS NULL OR from_time < $3)
)
SELECT symbol AS market,
    coalesce(sum(minutes) FILTER (WHERE status = 'open'), 0)::int AS open_minutes,
    coalesce(sum(minutes) FILTER (WHERE status = 'repaired'), 0)::int AS repaired_minutes,
    coalesce(sum(minutes) FILTER (WHERE status = 'confirmed_empty'), 0)::int AS confirmed_empty_minutes
FROM asked
GROUP BY symbol
ORDER BY symbol"""


async def newest_gaps(
    source: Database, query: RowQuery, *, status: GapStatus | None, limit: int
) -> list[dict[str, Any]]:
    """Return gaps, the one that begins last first; whole, also where they reach out of the time asked for."""
    return await read_rows(source, _NEWEST, query.market, query.since, query.until, status, limit)


async def gap_sums(source: Database, query: RowQuery) -> list[dict[str, Any]]:
    """Return the minutes inside the time asked for, by market; a market without a gap is not in it."""
    return await read_rows(source, _SUMS, query.market, query.since, query.until)
