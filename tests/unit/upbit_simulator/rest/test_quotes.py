"""Trades and order books are answered as the exchange does."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from unit.upbit_simulator.rest.requesting import Client, rows


async def test_trades_stop_at_the_midnight_of_the_day_asked(client: Client) -> None:
    found = await rows(client, "/v1/trades/ticks?market=KRW-BTC&days_ago=1&to=000100&count=500")
    yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    assert {row["trade_date_utc"] for row in found} == {yesterday}
    assert all(str(row["trade_time_utc"]) <= "00:01:00" for row in found)


@pytest.mark.parametrize("age", [timedelta(days=400), timedelta(days=2), timedelta(days=-1)])
async def test_a_cursor_outside_the_day_asked_finds_no_trades(client: Client, age: timedelta) -> None:
    cursor = int((datetime.now(UTC) - age).timestamp() * 1000) * 10_000
    assert await rows(client, f"/v1/trades/ticks?market=KRW-BTC&count=5&cursor={cursor}") == []


async def test_an_older_trade_is_shown_with_the_close_before_its_own_day(client: Client) -> None:
    found = await rows(client, "/v1/trades/ticks?market=KRW-BTC&days_ago=3&count=2")
    end = f"{datetime.now(UTC) - timedelta(days=3):%Y-%m-%dT00:00:00Z}"
    [before] = await rows(client, f"/v1/candles/days?market=KRW-BTC&to={end}")
    for row in found:
        price, previous = row["trade_price"], row["prev_closing_price"]
        assert isinstance(price, Decimal)
        assert isinstance(previous, Decimal)
        assert previous == before["trade_price"]
        assert row["change_price"] == price - previous


async def test_trades_page_by_cursor(client: Client) -> None:
    whole = await rows(client, "/v1/trades/ticks?market=KRW-BTC&count=20&days_ago=1")
    cursor = whole[9]["sequential_id"]
    rest = await rows(client, f"/v1/trades/ticks?market=KRW-BTC&count=10&days_ago=1&cursor={cursor}")
    assert rest == whole[10:]


async def test_an_order_book_is_grouped_by_level(client: Client) -> None:
    [book] = await rows(client, "/v1/orderbook?markets=KRW-BTC&level=1000000&count=5")
    units = book["orderbook_units"]
    assert isinstance(units, list)
    assert len(units) == 5
    assert all(unit["ask_price"] % 1_000_000 == 0 for unit in units)


async def test_an_order_book_grouped_by_an_unsupported_level_is_an_empty_list(client: Client) -> None:
    assert await rows(client, "/v1/orderbook?markets=KRW-BTC&level=7") == []
