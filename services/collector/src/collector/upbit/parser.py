"""Parser of Upbit's candle pages and WebSocket messages into our types."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import ValidationError

from common.errors import PermanentError
from common.events import Candle


@dataclass(frozen=True)
class Tick:
    """One message: the market's newest trade price and its time at the exchange."""

    market: str
    price: Decimal
    exchange_time: datetime


def parse_candles(
    rows: Any, *, market: str, covers_from: datetime, covers_to: datetime
) -> tuple[Candle, ...]:
    """Return the candles of one Upbit minute-candle page that lie in [covers_from, covers_to), oldest first.

    Args:
        rows: JSON objects in any order; prices in KRW as decimal text, `candle_date_time_utc` without offset,
            UTC. The same minute may come twice, then both must agree.

    Raises:
        PermanentError: `rows` is no list of objects; a row is of another market, lacks a field, or is no
            possible candle; or two rows of one minute differ.

    Source: Upbit reference, "List minute candles" (2026-07-28).
    """
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise PermanentError("Upbit's answer is not a list of candles")
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


def parse_frame(frame: bytes) -> list[dict[str, Any]]:
    """Return the messages in one WebSocket frame; ValueError or RecursionError where it is no JSON."""
    document = json.loads(frame, parse_float=Decimal)
    rows = document if isinstance(document, list) else [document]
    return [row for row in rows if isinstance(row, dict)]


def parse_tick(message: dict[str, Any]) -> Tick | None:
    """Return what a ticker or candle message says, or None for any other or a damaged one."""
    if not str(message.get("type")).startswith(("ticker", "candle.")):
        return None
    try:
        price = Decimal(str(message["trade_price"]))
        moment = datetime.fromtimestamp(int(message["timestamp"]) / 1000, UTC)
        market = str(message["code"])
    except (KeyError, ValueError, TypeError, OverflowError, OSError, InvalidOperation):
        return None
    return Tick(market, price, moment) if price.is_finite() and price > 0 else None
