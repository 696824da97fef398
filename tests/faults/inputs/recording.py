"""Generated recording: several markets, seeded prices, and minutes without a trade."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from common.clock import MINUTE

MARKETS = ("KRW-BTC", "KRW-ETH", "KRW-XRP")
FIRST = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
# One minute in so many has no trade, and so no candle.
EMPTY_EVERY = 12


@dataclass(frozen=True)
class Recording:
    """What the exchange has: the close of each minute that was traded in, by market, and where it ends."""

    closes: dict[str, dict[datetime, Decimal]]
    end: datetime


def write_recording(path: Path, *, seed: int, minutes: int, markets: Sequence[str] = MARKETS) -> Recording:
    """Write a file for `--replay`; returns what is in it."""
    closes: dict[str, dict[datetime, Decimal]] = {}
    rows: list[dict[str, Any]] = []
    for market in markets:
        closes[market] = {}
        for moment, price in _prices(random.Random(f"{seed} {market}"), minutes):
            closes[market][moment] = Decimal(price)
            rows.append(_row(market, moment, price))
    rows.sort(key=lambda row: str(row["candle_date_time_utc"]), reverse=True)
    path.write_text(json.dumps(rows), encoding="utf-8")
    return Recording(closes, FIRST + minutes * MINUTE)


def _prices(chance: random.Random, minutes: int) -> Iterator[tuple[datetime, int]]:
    price = 100_000_000
    for number in range(minutes):
        price += chance.randrange(-60_000, 61_000, 1000)
        # A recording begins and ends with a trade; in between it has holes.
        if number in (0, minutes - 1) or chance.randrange(EMPTY_EVERY):
            yield FIRST + number * MINUTE, price


def _row(market: str, moment: datetime, price: int) -> dict[str, Any]:
    korean = moment + timedelta(hours=9)
    return {
        "market": market,
        "candle_date_time_utc": f"{moment:%Y-%m-%dT%H:%M:%S}",
        "candle_date_time_kst": f"{korean:%Y-%m-%dT%H:%M:%S}",
        "opening_price": price,
        "high_price": price + 5000,
        "low_price": price - 5000,
        "trade_price": price,
        "timestamp": int(moment.timestamp() * 1000) + 59_000,
        "candle_acc_trade_price": price * 2,
        "candle_acc_trade_volume": 2,
        "unit": 1,
    }
