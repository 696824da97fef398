"""Pages of candles as the collector sends them, to be changed where a test wants another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from common.clock import MINUTE
from common.events import Candle, CandlesClosed

NINE = datetime(2026, 1, 13, 9, 0, tzinfo=UTC)
ANSWERED = NINE + timedelta(hours=4)


def candle(minute: int = 0, **changes: Any) -> Candle:
    fields: dict[str, Any] = {
        "timestamp": NINE + minute * MINUTE,
        "open": Decimal(95123000),
        "high": Decimal(95200000),
        "low": Decimal(95100000),
        "close": Decimal(95150000),
        "volume": Decimal("1.5"),
        "trade_value": Decimal(142684500),
    }
    return Candle(**fields | changes)


def page(*candles: Candle, minutes: int = 5, **changes: Any) -> CandlesClosed:
    fields: dict[str, Any] = {
        "market": "KRW-BTC",
        "covers_from": NINE,
        "covers_to": NINE + minutes * MINUTE,
        "candles": candles,
        "collected_at": ANSWERED,
        "source": "upbit",
    }
    return CandlesClosed(**fields | changes)
