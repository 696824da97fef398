from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from common.clock import MINUTE
from common.events import MAX_MESSAGE_BYTES
from unit.common.pages import NINE, candle, page


def test_a_page_may_be_empty_and_proves_its_minutes_empty() -> None:
    assert page().candles == ()


def test_the_candles_of_a_page_are_oldest_first_one_a_minute() -> None:
    assert len(page(candle(0), candle(1), candle(4)).candles) == 3
    for wrong in ((1, 0), (0, 0), (0, 2, 1)):
        with pytest.raises(ValidationError, match="candles must be oldest first, one per minute"):
            page(*(candle(minute) for minute in wrong))


@pytest.mark.parametrize("minute", [-1, 5])
def test_every_candle_lies_in_the_range_of_its_page(minute: int) -> None:
    with pytest.raises(ValidationError, match="every candle must lie in"):
        page(candle(minute))


@pytest.mark.parametrize("minutes", [0, -1])
def test_a_page_covers_at_least_a_minute(minutes: int) -> None:
    with pytest.raises(ValidationError, match="covers_from must be before covers_to"):
        page(minutes=minutes)


def test_a_page_covers_no_minute_that_was_still_open() -> None:
    last = NINE + 4 * MINUTE
    assert page(collected_at=last + timedelta(seconds=62))
    with pytest.raises(ValidationError, match="no minute may be covered that was not closed"):
        page(collected_at=last + timedelta(seconds=61.9))


def test_a_page_has_at_most_200_candles() -> None:
    minutes = [candle(minute) for minute in range(201)]
    assert len(page(*minutes[:200], minutes=200).candles) == 200
    with pytest.raises(ValidationError, match="at most 200"):
        page(*minutes, minutes=201)


def test_the_largest_page_fits_into_a_message() -> None:
    widest = Decimal("12345678901234567890.12345678")
    prices = dict.fromkeys(("open", "high", "low", "close", "volume", "trade_value"), widest)
    full = page(*(candle(minute, **prices) for minute in range(200)), minutes=200, repair_run_id="f" * 32)
    assert len(full.model_dump_json()) < MAX_MESSAGE_BYTES / 2


@pytest.mark.parametrize(
    "changes",
    [
        {"high": Decimal(95149999)},
        {"low": Decimal(95123001)},
        {"high": Decimal(1), "low": Decimal(2)},
    ],
)
def test_open_and_close_lie_between_low_and_high(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="low <= open, close <= high must hold"):
        candle(**changes)


@pytest.mark.parametrize("field", ["open", "high", "low", "close", "volume", "trade_value"])
@pytest.mark.parametrize("value", ["NaN", "Infinity", "-1", "1e400", "abc", None])
def test_a_number_that_is_no_amount_is_refused(field: str, value: str | None) -> None:
    wrong: dict[str, Any] = {field: value}
    with pytest.raises(ValidationError, match=field):
        candle(**wrong)


def test_a_price_is_above_zero_and_a_volume_may_be_zero() -> None:
    assert candle(volume=0, trade_value=0).volume == 0
    with pytest.raises(ValidationError, match="greater than 0"):
        candle(low=0)


@pytest.mark.parametrize("timestamp", [NINE + timedelta(seconds=1), NINE + timedelta(microseconds=1)])
def test_a_candle_opens_on_a_full_minute(timestamp: datetime) -> None:
    with pytest.raises(ValidationError, match="timestamp must be the start of a minute"):
        candle(timestamp=timestamp)


def test_a_candle_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        candle(timestamp=NINE.replace(tzinfo=None))


@pytest.mark.parametrize(
    "market", ["KRWBTC", "krw-btc", "KRW-BTC.x", "KRW-*", "KRW->", "KRW-BTC ", "", "KRW-BTC\n"]
)
def test_a_market_is_one_token_of_a_subject(market: str) -> None:
    with pytest.raises(ValidationError, match="market"):
        page(market=market)


@pytest.mark.parametrize("field", ["covers_from", "covers_to"])
def test_a_page_covers_whole_minutes(field: str) -> None:
    wrong: dict[str, Any] = {field: NINE + timedelta(minutes=1, seconds=30)}
    with pytest.raises(ValidationError, match="covers_from and covers_to must be the start of a minute"):
        page(**wrong)
