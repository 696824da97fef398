"""The made-up trades of a recorded minute always add up to it."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from upbit_simulator.market.candles import MINUTE_MS, Candle, candle_of
from upbit_simulator.recorded.trades import trades_of_minute

OPEN_MS = 1_582_197_540_000


@st.composite
def recorded(draw: st.DrawFn) -> Candle:
    prices = sorted(draw(st.lists(st.integers(1, 200_000), min_size=4, max_size=4)))
    opening, closing = draw(st.permutations(prices[1:3]))
    amounts = st.decimals(0, 10**10, places=8, allow_nan=False)
    value, volume = draw(amounts), draw(amounts)
    offset = draw(st.integers(0, 60_400))
    low, high = Decimal(prices[0]), Decimal(prices[3])
    return Candle(OPEN_MS, Decimal(opening), high, low, Decimal(closing), OPEN_MS + offset, value, volume)


@settings(max_examples=200)
@given(recorded())
def test_a_finished_minute_is_the_record(candle: Candle) -> None:
    made = candle_of(OPEN_MS, trades_of_minute("KRW-BTC", candle))
    last_ms = min(candle.last_trade_ms, OPEN_MS + MINUTE_MS - 1)
    assert made == candle._replace(last_trade_ms=last_ms)


@settings(max_examples=200)
@given(recorded())
def test_trades_are_ordered_distinct_and_never_negative(candle: Candle) -> None:
    trades = trades_of_minute("KRW-BTC", candle)
    assert [trade.time_ms for trade in trades] == sorted(trade.time_ms for trade in trades)
    assert len({trade.sequential_id for trade in trades}) == len(trades)
    assert all(trade.time_ms // MINUTE_MS == OPEN_MS // MINUTE_MS for trade in trades)
    assert all(trade.volume >= 0 and trade.value >= 0 for trade in trades)
    assert trades == trades_of_minute("KRW-BTC", candle)
