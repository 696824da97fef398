"""A grouped order book adds up to the single steps, and fits the last trade."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upbit_simulator.market.candles import Trade
from upbit_simulator.market.listings import LISTINGS, tick_size
from upbit_simulator.market.orderbook import BookUnit, order_book

BTC = LISTINGS[0]
NOW_MS = 1_773_240_030_000


def trade(price: int | str, side: str) -> Trade:
    return Trade(NOW_MS, Decimal(price), Decimal(1), Decimal(price), side, NOW_MS * 10_000)


def book(last: Trade, *, depth: int = 30, factor: int = 0) -> list[BookUnit]:
    return order_book(BTC, last, NOW_MS, depth=depth, level=tick_size(last.price) * factor)


@settings(max_examples=40)
@given(st.integers(100_000, 200_000), st.sampled_from(["ASK", "BID"]))
def test_a_grouped_size_is_the_sum_of_the_single_steps(thousands: int, side: str) -> None:
    last = trade(thousands * 1000, side)
    single = book(last, depth=300)
    grouped = book(last, factor=10)
    for group in grouped[:20]:
        asks = [u.ask_size for u in single if group.ask_price - 10_000 < u.ask_price <= group.ask_price]
        bids = [u.bid_size for u in single if group.bid_price <= u.bid_price < group.bid_price + 10_000]
        assert (sum(asks), sum(bids)) == (group.ask_size, group.bid_size)


@pytest.mark.parametrize("price", [140_000_000, "3100", "12.3", "0.00000002"])
def test_the_taker_hit_the_best_price(price: int | str) -> None:
    assert book(trade(price, "BID"))[0].ask_price == Decimal(price)
    assert book(trade(price, "ASK"))[0].bid_price == Decimal(price)


def test_no_bid_is_below_one_price_step() -> None:
    units = book(trade("0.00000002", "ASK"))
    assert len(units) == 30
    assert [unit.bid_price for unit in units[:3]] == [Decimal("0.00000002"), Decimal("0.00000001"), 0]
    assert units[2].bid_size == 0


@pytest.mark.parametrize("factor", [0, 10, 100, 1000, 10_000, 100_000])
def test_every_grouping_has_ordered_prices_on_its_own_steps(factor: int) -> None:
    units = book(trade(140_000_000, "BID"), factor=factor)
    asks = [unit.ask_price for unit in units if unit.ask_price]
    assert asks
    assert asks == sorted(set(asks))
    assert all(price % (1000 * max(factor, 1)) == 0 for price in asks)
    assert units[0].bid_price < units[0].ask_price
