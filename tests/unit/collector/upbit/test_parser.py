from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from collector.upbit.parser import parse_candles
from common.clock import MINUTE
from common.errors import PermanentError

START = datetime(2026, 3, 11, 14, 40, tzinfo=UTC)


def row(minute: int, **changes: Any) -> dict[str, Any]:
    """Return one Upbit minute candle as the SDK's transport gives it: numbers as text."""
    opened = START + minute * MINUTE
    return {
        "market": "KRW-BTC",
        "candle_date_time_utc": opened.strftime("%Y-%m-%dT%H:%M:%S"),
        "candle_date_time_kst": (opened + timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M:%S"),
        "opening_price": "103600000.00000000",
        "high_price": "103650000.00000000",
        "low_price": "103590000.00000000",
        "trade_price": "103640000.00000000",
        "timestamp": "1773240059095",
        "candle_acc_trade_price": "30279009.54681000",
        "candle_acc_trade_volume": "2.63267824",
        "unit": "1",
    } | changes


def parse(rows: list[dict[str, Any]], minutes: int = 3) -> tuple[Any, ...]:
    return parse_candles(rows, market="KRW-BTC", covers_from=START, covers_to=START + minutes * MINUTE)


def test_candles_come_out_oldest_first_with_every_digit() -> None:
    candles = parse([row(2), row(1), row(0)])
    assert [candle.timestamp for candle in candles] == [START, START + MINUTE, START + 2 * MINUTE]
    assert candles[0].trade_value == Decimal("30279009.54681")


def test_a_row_outside_the_range_is_left_out() -> None:
    assert parse([row(3), row(2), row(-1)]) == parse([row(2)])


def test_a_row_that_comes_twice_counts_once() -> None:
    assert len(parse([row(1), row(1)])) == 1


def test_two_different_candles_of_one_minute_are_refused() -> None:
    with pytest.raises(PermanentError, match="two different candles"):
        parse([row(1), row(1, trade_price="103641000.00000000")])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"opening_price": "0"}, "open: Input should be greater than 0"),
        ({"low_price": "-1"}, "low: Input should be greater than 0"),
        ({"high_price": "NaN"}, "high"),
        ({"high_price": "1e400"}, "high"),
        ({"high_price": "abc"}, "not a number"),
        ({"candle_acc_trade_volume": "-0.1"}, "volume"),
        ({"high_price": "103600000.5"}, "low <= open, close <= high"),
        ({"candle_date_time_utc": "2026-03-11T14:41:30"}, "start of a minute"),
        ({"candle_date_time_utc": "yesterday"}, "Invalid isoformat"),
        ({"market": "KRW-ETH"}, "market 'KRW-ETH' for KRW-BTC"),
    ],
)
def test_an_impossible_candle_is_refused_with_its_field(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(PermanentError, match=reason):
        parse([row(1, **changes)])


def test_a_missing_field_is_named() -> None:
    broken = row(1)
    del broken["low_price"]
    with pytest.raises(PermanentError, match="field low_price is missing"):
        parse([broken])
