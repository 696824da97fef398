"""Rows as the services would have stored them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from common.clock import MINUTE

if TYPE_CHECKING:
    from integration.bongsu.conftest import Admin

FIRST = datetime(2026, 1, 13, 9, 0, tzinfo=UTC)


async def store_candles(admin: Admin, market: str, minutes: list[int], *, price: str = "135000000") -> None:
    """Store a candle for each of these minutes after FIRST; each opens a won higher for every minute."""
    rows = [(FIRST + minute * MINUTE, Decimal(price) + minute) for minute in minutes]
    await admin.executemany(
        "INSERT INTO market_data VALUES"
        " ($1, $2, $3, $4, $5, $6, 0.29606898, 40190158.21240000, 1, 'simulator', $2)",
        [(market, opened, price, price + 2, price - 1, price + 1) for opened, price in rows],
    )


async def store_signal(
    admin: Admin,
    market: str = "KRW-BTC",
    *,
    minute: int = 0,
    reasoning: str = "RSI 14 is 59; trend and momentum agree.",
    cause: str | None = None,
) -> None:
    """Store a BUY for the interval whose last minute is this one after FIRST; a cause makes it the rule's."""
    await admin.execute(
        "INSERT INTO trading_signals (id, symbol, candle_timestamp, signal_type, confidence, reasoning,"
        " source, cause, prompt_version, snapshot, price_at_signal, config_revision, trace_id, created_at)"
        " VALUES ($1, $2, $3, 'BUY', 0.7, $4, $5, $6, '1', '{}', 135722000.00000000, 1, 't', $3)",
        uuid.uuid4(),
        market,
        FIRST + minute * MINUTE,
        reasoning,
        "gemini" if cause is None else "rule",
        cause,
    )
