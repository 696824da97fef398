"""The official SDK works with the simulator as with Upbit."""

import json
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import pytest
import upbit as sdk
from upbit.types import ListSubscriptionsResponse, SimpleListSubscriptionsResponse

from servers.simulators import Simulator
from servers.waiting import HANG_SECONDS


@pytest.fixture
def client(upbit: Simulator) -> Iterator[sdk.Upbit]:
    with sdk.Upbit(base_url=upbit.url, max_retries=2) as client:
        yield client
    upbit.switch_all_off()


@pytest.fixture
async def async_client(upbit: Simulator) -> AsyncIterator[sdk.AsyncUpbit]:
    async with sdk.AsyncUpbit(base_url=upbit.url, max_retries=2) as client:
        yield client


def test_minute_candles(client: sdk.Upbit) -> None:
    candles = client.candles.list_minutes(unit=1, market="KRW-BTC", count=200, to="2026-03-11T14:41:00Z")
    assert len(candles) == 200
    assert candles[0].candle_date_time_utc == "2026-03-11T14:40:00"
    assert Decimal(candles[0].low_price) <= Decimal(candles[0].trade_price) <= Decimal(candles[0].high_price)


def test_day_week_month_and_second_candles(client: sdk.Upbit) -> None:
    [day] = client.candles.list_days(market="KRW-BTC", converting_price_unit="KRW")
    assert day.converted_trade_price == day.trade_price
    assert client.candles.list_weeks(market="KRW-BTC")[0].first_day_of_period
    assert client.candles.list_months(market="KRW-BTC")[0].first_day_of_period
    assert len(client.candles.list_seconds(market="KRW-BTC", count=5)) == 5


def test_markets_and_tickers(client: sdk.Upbit) -> None:
    pairs = client.trading_pairs.list(is_details=True)
    assert {"KRW-BTC", "KRW-ETH", "KRW-XRP", "KRW-SOL"} <= {pair.market for pair in pairs}
    [bitcoin] = client.tickers.list_by_trading_pairs(markets="KRW-BTC")
    assert Decimal(bitcoin.lowest_52_week_price) <= Decimal(bitcoin.trade_price)
    assert len(client.tickers.list_by_quote_currencies(quote_currencies="KRW")) == len(pairs)


def test_order_books_and_trades(client: sdk.Upbit) -> None:
    [book] = client.orderbooks.list(markets="KRW-BTC", count=15)
    best = book.orderbook_units[0]
    assert len(book.orderbook_units) == 15
    assert Decimal(best.bid_price) < Decimal(best.ask_price)
    assert client.orderbooks.list_instruments(markets="KRW-BTC")[0].tick_size == "1000"
    trades = client.trades.list(market="KRW-BTC", count=100)
    numbers = [trade.sequential_id for trade in trades]
    assert numbers == sorted(numbers, reverse=True)


def test_an_unknown_market_and_a_wrong_parameter(client: sdk.Upbit) -> None:
    with pytest.raises(sdk.NotFoundError):
        client.candles.list_minutes(unit=1, market="KRW-NONE")
    with pytest.raises(sdk.BadRequestError):
        client.candles.list_minutes(unit=1, market="KRW-BTC", to="yesterday")


async def test_the_websocket_speaks_to_the_sdk(async_client: sdk.AsyncUpbit) -> None:
    kinds = ["ticker", "trade", "orderbook", "candle.1m"]
    async with async_client.ws_public.connect_public() as socket:
        request = [{"ticket": "test"}, *({"type": kind, "codes": ["KRW-BTC"]} for kind in kinds)]
        await socket.send_raw(json.dumps(request))
        messages: list[Any] = [await socket.recv() for _ in kinds]
    assert [message.type for message in messages] == kinds
    assert {message.stream_type for message in messages} == {"SNAPSHOT"}


@pytest.mark.parametrize("wire_format", ["DEFAULT", "SIMPLE", "JSON_LIST", "SIMPLE_LIST"])
async def test_subscriptions_are_listed_in_the_stream_s_format(
    async_client: sdk.AsyncUpbit, wire_format: Any
) -> None:
    async with async_client.ws_stream.orderbook(codes=["KRW-BTC"], format=wire_format) as stream:
        listed = await stream.list_subscriptions()
    if wire_format.startswith("SIMPLE"):
        assert isinstance(listed, SimpleListSubscriptionsResponse)
        assert listed.rslt[0].to_dict() == {"ty": "orderbook", "cds": ["KRW-BTC"], "lv": 0}
    else:
        assert isinstance(listed, ListSubscriptionsResponse)
        assert listed.result[0].to_dict() == {"type": "orderbook", "codes": ["KRW-BTC"], "level": 0}


@pytest.mark.parametrize(
    ("kind", "params", "error"),
    [
        ("rate_limited", {}, sdk.RateLimitError),
        ("http_error", {"status": 500}, sdk.InternalServerError),
        ("market_offline", {}, sdk.PermissionDeniedError),
        ("reset", {}, sdk.APIConnectionError),
        ("hang", {}, sdk.APITimeoutError),
        # Last, because a block outlasts its fault.
        ("blocked", {"block_seconds": 0.2}, sdk.RateLimitPenaltyError),
    ],
)
def test_faults_become_the_sdk_s_own_errors(
    upbit: Simulator, client: sdk.Upbit, kind: str, params: dict[str, Any], error: type[Exception]
) -> None:
    upbit.switch_on(kind, count=1, **params)
    seconds = 1.0 if kind == "hang" else HANG_SECONDS
    with pytest.raises(error):
        client.with_options(max_retries=0, timeout=seconds).trading_pairs.list()
