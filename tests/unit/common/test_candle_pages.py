from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from common.clock import MINUTE
from common.events import MAX_MESSAGE_BYTES
from unit.common.pages import NINE, candle, page


def test_a_page_holds_from_no_candle_to_200_oldest_first() -> None:
    assert page().candles == ()
    assert len(page(candle(0), candle(1), candle(4)).candles) == 3
    assert len(page(*(candle(minute) for minute in range(200)), minutes=200).candles) == 200


@pytest.mark.parametrize(
    ("minutes", "changes", "rule"),
    [
        *(((), {"minutes": minutes}, "covers_from must be before covers_to") for minutes in (0, -1)),
        *(((minute,), {}, "every candle must lie in") for minute in (-1, 5)),
        *(
            (minutes, {}, "candles must be oldest first, one per minute")
            for minutes in ((1, 0), (0, 0), (0, 2, 1))
        ),
        *(
            ((), {field: NINE + 1.5 * MINUTE}, "covers_from and covers_to must be the start of a minute")
            for field in ("covers_from", "covers_to")
        ),
        (range(201), {"minutes": 201}, "at most 200"),
        # One token of a subject.
        *(
            ((), {"market": market}, "market")
            for market in ("KRWBTC", "krw-btc", "KRW-BTC.x", "KRW-*", "KRW->", "KRW-BTC ", "", "KRW-BTC\n")
        ),
    ],
)
def test_a_page_against_a_rule_is_refused_with_the_rule(
    minutes: Iterable[int], changes: dict[str, Any], rule: str
) -> None:
    with pytest.raises(ValidationError, match=rule):
        page(*(candle(minute) for minute in minutes), **changes)


def test_a_page_covers_no_minute_that_was_still_open() -> None:
    last = NINE + 4 * MINUTE
    assert page(collected_at=last + timedelta(seconds=62))
    with pytest.raises(ValidationError, match="no minute may be covered that was not closed"):
        page(collected_at=last + timedelta(seconds=61.9))


def test_the_largest_page_fits_into_a_message() -> None:
    widest = Decimal("12345678901234567890.12345678")
    prices = dict.fromkeys(("open", "high", "low", "close", "volume", "trade_value"), widest)
    full = page(*(candle(minute, **prices) for minute in range(200)), minutes=200, repair_run_id="f" * 32)
    assert len(full.model_dump_json()) < MAX_MESSAGE_BYTES / 2


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"high": Decimal(95149999)}, "low <= open, close <= high must hold"),
        ({"low": Decimal(95123001)}, "low <= open, close <= high must hold"),
        ({"high": Decimal(1), "low": Decimal(2)}, "low <= open, close <= high must hold"),
        ({"low": 0}, "greater than 0"),
        ({"timestamp": NINE + timedelta(seconds=1)}, "timestamp must be the start of a minute"),
        ({"timestamp": NINE + timedelta(microseconds=1)}, "timestamp must be the start of a minute"),
        ({"timestamp": NINE.replace(tzinfo=None)}, "timezone"),
    ],
)
def test_a_candle_against_a_rule_is_refused_with_the_rule(changes: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        candle(**changes)


@pytest.mark.parametrize("field", ["open", "high", "low", "close", "volume", "trade_value"])
@pytest.mark.parametrize("value", ["NaN", "Infinity", "-1", "1e400", "abc", None])
def test_a_number_that_is_no_amount_is_refused(field: str, value: str | None) -> None:
    wrong: dict[str, Any] = {field: value}
    with pytest.raises(ValidationError, match=field):
        candle(**wrong)


def test_a_volume_may_be_zero() -> None:
    assert candle(volume=0, trade_value=0).volume == 0
