"""The seeded market is repeatable, sane and the same at every zoom."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from upbit_simulator.market.candles import MINUTE_MS, candle_of, merge_by
from upbit_simulator.market.listings import LISTINGS, tick_size
from upbit_simulator.seeded.market import SeededMarket

MARKET = SeededMarket(1)
CODES = st.sampled_from([listing.code for listing in LISTINGS])
MINUTES = st.integers(28_000_000, 30_500_000)
SIZES = st.sampled_from([3, 5, 10, 15, 30, 60, 240, 1440])
few = settings(max_examples=30)


@few
@given(CODES, MINUTES)
def test_a_minute_is_the_same_whatever_was_asked_before(code: str, minute: int) -> None:
    fresh = SeededMarket(1)
    around = MARKET.candles(code, minute - 50, minute + 50, 1)
    here = [candle for candle in around if candle.open_ms == minute * MINUTE_MS]
    assert fresh.candles(code, minute, minute + 1, 1) == here
    assert fresh.trades(code, minute) == MARKET.trades(code, minute)


@few
@given(CODES, MINUTES)
def test_the_trades_of_a_minute_lie_inside_it_in_order_and_make_exactly_its_candle(
    code: str, minute: int
) -> None:
    trades = MARKET.trades(code, minute)
    made = candle_of(minute * MINUTE_MS, trades)
    assert MARKET.candles(code, minute, minute + 1, 1) == ([] if made is None else [made])
    assert all(trade.value == trade.price * trade.volume for trade in trades)
    times = [trade.time_ms for trade in trades]
    assert times == sorted(set(times))
    assert all(time // MINUTE_MS == minute for time in times)


@few
@given(CODES, MINUTES)
def test_candles_have_ordered_prices_on_the_price_steps(code: str, minute: int) -> None:
    for candle in MARKET.candles(code, minute, minute + 30, 1):
        assert 0 < candle.low <= min(candle.opening, candle.closing)
        assert max(candle.opening, candle.closing) <= candle.high
        assert candle.volume > 0
        assert candle.value > 0
        for price in (candle.opening, candle.high, candle.low, candle.closing):
            assert price % tick_size(price) == 0


@few
@given(CODES, MINUTES, SIZES)
def test_longer_candles_are_made_of_the_minutes(code: str, start: int, size: int) -> None:
    first = start // size * size
    minutes = MARKET.candles(code, first, first + 2 * size, 1)
    assert MARKET.candles(code, first, first + 2 * size, size) == merge_by(minutes, size)


@few
@given(CODES, MINUTES)
def test_a_minute_opens_where_the_one_before_closed(code: str, minute: int) -> None:
    candles = {candle.open_ms: candle for candle in MARKET.candles(code, minute, minute + 30, 1)}
    for open_ms, candle in candles.items():
        before = candles.get(open_ms - MINUTE_MS)
        assert before is None or before.closing == candle.opening


def test_two_or_three_percent_of_the_minutes_have_no_trade() -> None:
    found = MARKET.candles("KRW-BTC", 29_500_000, 29_510_000, 1)
    assert 0.96 < len(found) / 10_000 < 0.99


def test_another_seed_is_another_market() -> None:
    assert SeededMarket(2).trades("KRW-BTC", 29_500_001) != MARKET.trades("KRW-BTC", 29_500_001)


def test_prices_stay_near_where_they_belong() -> None:
    for listing in LISTINGS:
        days = MARKET.candles(listing.code, 29_500_000, 29_500_000 + 30 * 1440, 1440)
        assert all(listing.base_price / 2 < day.low < day.high < listing.base_price * 2 for day in days)


def test_nervous_hours_follow_nervous_hours() -> None:
    hours = MARKET.candles("KRW-BTC", 29_400_000, 29_400_000 + 60 * 500, 60)
    ranges = [float((hour.high - hour.low) / hour.low) for hour in hours]
    mean = sum(ranges) / len(ranges)
    together = sum((a - mean) * (b - mean) for a, b in pairwise(ranges))
    assert together / sum((value - mean) ** 2 for value in ranges) > 0.3
