"""Pages of closed candles, as the collector publishes them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from decimal import Decimal

from common.clock import MINUTE
from common.events import Candle, CandlesClosed

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def pages(count: int, *, candles: int, market: str = "KRW-BTC", first_minute: int = 0) -> list[CandlesClosed]:
    """Return so many pages of a market, one after the other, each of so many candles.

    Each call's pages are new to the stream: it would leave out what it has had in the last two minutes.
    """
    run_id = uuid.uuid4().hex
    return [_page(market, first_minute + number * candles, candles, run_id) for number in range(count)]


def _page(market: str, first: int, candles: int, run_id: str) -> CandlesClosed:
    begin = BEGIN + first * MINUTE
    end = begin + candles * MINUTE
    return CandlesClosed(
        market=market,
        covers_from=begin,
        covers_to=end,
        candles=tuple(_candle(begin + minute * MINUTE, first + minute) for minute in range(candles)),
        collected_at=end + MINUTE,
        source="replay",
        repair_run_id=run_id,
    )


def _candle(timestamp: datetime, number: int) -> Candle:
    price = Decimal(135_000_000 + number % 1000 * 1000)
    return Candle(
        timestamp=timestamp,
        open=price,
        high=price + 5000,
        low=price - 5000,
        close=price + 1000,
        volume=Decimal("1.23456789"),
        trade_value=Decimal("166666660.12345678"),
    )
