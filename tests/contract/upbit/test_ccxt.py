"""ccxt, REST and pro, works with the simulator as with Upbit."""

from collections.abc import AsyncIterator
from typing import Any

import ccxt
import ccxt.pro
import pytest

from servers.simulators import Simulator

BTC = "BTC/KRW"


@pytest.fixture
def exchange(upbit: Simulator) -> Any:
    upbit.switch_all_off()
    client = ccxt.upbit()
    client.urls["api"] = {"public": upbit.url, "private": upbit.url}
    return client


@pytest.fixture
async def pro(upbit: Simulator) -> AsyncIterator[Any]:
    upbit.switch_all_off()
    client = ccxt.pro.upbit()
    client.urls["api"] = {"public": upbit.url, "private": upbit.url, "ws": upbit.websocket_url}
    yield client
    await client.close()


def test_markets_a_ticker_and_an_order_book_are_read(exchange: Any) -> None:
    assert {BTC, "ETH/KRW", "XRP/KRW"} <= {market["symbol"] for market in exchange.fetch_markets()}
    ticker = exchange.fetch_ticker(BTC)
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert ticker["info"]["change"] in {"RISE", "EVEN", "FALL"}
    book = exchange.fetch_order_book(BTC)
    assert len(book["bids"]) == len(book["asks"]) == 30
    assert book["bids"][0][0] < book["asks"][0][0]


def test_trades_are_the_newest_and_ordered(exchange: Any) -> None:
    trades = exchange.fetch_trades(BTC, limit=50, params={"days_ago": 1})
    assert len(trades) == 50
    assert [trade["timestamp"] for trade in trades] == sorted(trade["timestamp"] for trade in trades)


@pytest.mark.parametrize(("timeframe", "minutes"), [("1m", 1), ("5m", 5), ("1h", 60), ("1d", 1440)])
def test_candles_of_every_length(exchange: Any, timeframe: str, minutes: int) -> None:
    candles = exchange.fetch_ohlcv(BTC, timeframe, limit=20)
    assert len(candles) == 20
    assert all(
        low <= min(first, last) <= max(first, last) <= high for _, first, high, low, last, _ in candles
    )
    assert all(candle[0] % (minutes * 60_000) == 0 for candle in candles)


def test_candles_since_a_time(exchange: Any) -> None:
    start = exchange.parse8601("2026-03-11T14:00:00Z")
    candles = exchange.fetch_ohlcv(BTC, "1m", since=start, limit=30)
    assert start <= candles[0][0] < candles[-1][0] < start + 30 * 60_000 + 60_000


def test_429_is_a_rate_limit_to_ccxt(upbit: Simulator, exchange: Any) -> None:
    upbit.switch_on("rate_limited", count=10)
    with pytest.raises(ccxt.RateLimitExceeded):
        exchange.fetch_markets()


async def test_watching_everything_on_one_connection(pro: Any) -> None:
    ticker = await pro.watch_ticker(BTC)
    trades = await pro.watch_trades(BTC)
    book = await pro.watch_order_book(BTC)
    candle = await pro.watch_ohlcv(BTC, "1s")
    assert ticker["symbol"] == trades[0]["symbol"] == BTC
    assert book["bids"][0][0] < book["asks"][0][0]
    assert candle[3] <= candle[4] <= candle[2]
