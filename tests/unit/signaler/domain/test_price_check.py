"""A price in the reasoning has to be one of the snapshot's."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaler.domain.answer import validate_answer
from signaler.domain.gemini.errors import AnswerRefusedError
from signaler.domain.market.snapshot import Snapshot
from signaler.domain.price_check import wrong_prices
from unit.signaler.market import snapshot_of, wavy_closes

BITCOIN = snapshot_of([*wavy_closes(1499), 95_123_000])
RIPPLE = snapshot_of([3000 + n % 9 for n in range(100)], market="KRW-XRP")
CHEAP = snapshot_of([40 + n % 3 for n in range(100)], market="KRW-ABC")


@pytest.mark.parametrize(
    ("text", "snapshot"),
    [
        ("The price of 95,123,000 KRW holds.", BITCOIN),
        ("Price 95123000 is above the middle band.", BITCOIN),
        ("₩95,123,000 holds.", BITCOIN),
        ("현재가 95,123,000원은 강세입니다.", BITCOIN),
        ("현재가 9,512만원은 강세입니다.", BITCOIN),
        ("At 95.12M KRW it holds.", BITCOIN),
        ("At 95.1 million won it holds.", BITCOIN),
        (f"Upper band {BITCOIN.indicators.bollinger_upper:,.0f} KRW.", BITCOIN),
        (f"ATR {BITCOIN.indicators.atr_14:,.0f} KRW.", BITCOIN),
        ("RSI 14 is 55.2, MACD 12/26/9 is positive, the 24h change is 1.2%.", BITCOIN),
        ("At 2026-11-24 11:59 the 50-period EMA turned.", BITCOIN),
        ("1,500 candles were seen in 25 hours.", BITCOIN),
        ("Over 1,440,000 candles and 2,000,000 trades.", BITCOIN),
        ("It rose 120% in 3 days.", BITCOIN),
        ("On 2026-11-24 at 11:59 the price is 3,000 KRW.", RIPPLE),
        ("RSI 55 is above 50 after 20 candles.", CHEAP),
    ],
)
def test_what_the_snapshot_says_and_what_is_no_price_may_be_said(text: str, snapshot: Snapshot) -> None:
    assert wrong_prices(text, snapshot) == []


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("The price of 91,000,000 KRW holds.", 91_000_000),
        ("Price 60000000 broke out.", 60_000_000),
        ("Target 120,000,000.", 120_000_000),
        ("목표가 1억 2,000만원.", 120_000_000),
        ("Stop at 88M.", 88_000_000),
        ("It costs 50,000 won.", 50_000),
        ("A unit is KRW 1,234.", 1_234),
        ("It fell to 30,000,000 and rises.", 30_000_000),
        ("Next stop: 250,000,000.", 250_000_000),
        ("It trades at $66,000.", 66_000),
    ],
)
def test_a_price_that_is_not_in_the_snapshot_is_found(text: str, price: float) -> None:
    assert wrong_prices(text, BITCOIN) == [price]


def test_a_small_number_of_won_is_a_price_of_a_cheap_market() -> None:
    assert wrong_prices("It costs 55 KRW.", CHEAP) == [55]


@given(st.floats(-0.0049, 0.0049))
def test_half_a_percent_off_is_still_the_price(off: float) -> None:
    assert wrong_prices(f"{95_123_000 * (1 + off):.0f} KRW", BITCOIN) == []


@given(st.text(max_size=200))
def test_no_text_breaks_the_search(text: str) -> None:
    assert all(price >= 0 for price in wrong_prices(text, BITCOIN))


def test_an_invented_price_refuses_the_whole_answer() -> None:
    text = json.dumps({"action": "BUY", "confidence": 0.9, "reasoning": "Support at 70,000,000 KRW."})
    with pytest.raises(AnswerRefusedError, match="70,000,000 KRW"):
        validate_answer(text, BITCOIN)
