"""Which candles are closed, and which minutes does a page prove? Pure: no clock, no IO."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import ValidationError

from common.clock import MINUTE, closed_until
from common.errors import PermanentError
from common.events import MAX_PAGE_CANDLES, Candle

PAGE_SPAN = MAX_PAGE_CANDLES * MINUTE


def parse_candles(
    rows: Sequence[Mapping[str, Any]], *, market: str, covers_from: datetime, covers_to: datetime
) -> tuple[Candle, ...]:
    """Return the candles of one Upbit minute-candle page that lie in [covers_from, covers_to), oldest first.

    Args:
        rows: In any order; prices in KRW as decimal text, `candle_date_time_utc` without offset, UTC. The
            same minute may come twice, then both must agree.

    Raises:
        PermanentError: A row is of another market, lacks a field, or is no possible candle; or two rows of
            one minute differ.

    Source: Upbit reference, "List minute candles" (2026-07-28).
    """
    found: dict[datetime, Candle] = {}
    for row in rows:
        if row.get("market") != market:
            raise PermanentError(f"Upbit answered with market {str(row.get('market'))[:30]!r} for {market}")
        candle = _parse_candle(row)
        if not covers_from <= candle.timestamp < covers_to:
            continue
        if found.setdefault(candle.timestamp, candle) != candle:
            raise PermanentError(f"Upbit gave two different candles for {candle.timestamp.isoformat()}")
    return tuple(found[timestamp] for timestamp in sorted(found))


def _parse_candle(row: Mapping[str, Any]) -> Candle:
    try:
        return Candle(
            timestamp=datetime.fromisoformat(row["candle_date_time_utc"]).replace(tzinfo=UTC),
            open=Decimal(row["opening_price"]),
            high=Decimal(row["high_price"]),
            low=Decimal(row["low_price"]),
            close=Decimal(row["trade_price"]),
            volume=Decimal(row["candle_acc_trade_volume"]),
            trade_value=Decimal(row["candle_acc_trade_price"]),
        )
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise PermanentError(f"an Upbit candle cannot be used: {_why(error)}") from error


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_context=False)[0]
        return f"{'.'.join(str(part) for part in first['loc']) or 'candle'}: {first['msg']}"
    if isinstance(error, KeyError):
        return f"field {error.args[0]} is missing"
    if isinstance(error, InvalidOperation):
        return "a price or amount is not a number"
    return str(error)


def closed_part(covers_to: datetime, *, exchange_time: datetime) -> datetime:
    """Return the end of the minutes that were closed when Upbit answered, at most `covers_to`.

    A page fetched a moment too early proves nothing about the minute that was still open.
    """
    return min(covers_to, closed_until(exchange_time))


def page_ranges(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield [start, end) cut into ranges of at most 200 minutes, oldest first; nothing when it is empty."""
    while start < end:
        stop = min(start + PAGE_SPAN, end)
        yield start, stop
        start = stop


def first_minute_to_collect(
    covered_until: datetime | None, *, exchange_time: datetime, backfill: timedelta
) -> datetime:
    """Return where collecting goes on: behind what is covered, or `backfill` ago on a first start."""
    return covered_until or closed_until(exchange_time - backfill)
