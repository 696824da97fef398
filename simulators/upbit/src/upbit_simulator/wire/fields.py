"""Fields that REST rows and WebSocket messages share, each in its own order and with its own digits. Pure."""

from collections.abc import Sequence

from upbit_simulator.encoding import bare_seconds, kst, ratio, shortest, utc, with_places
from upbit_simulator.market.candles import Candle
from upbit_simulator.market.orderbook import BookUnit
from upbit_simulator.market.tickers import Ticker

Row = dict[str, object]


def candle_fields(candle: Candle) -> Row:
    """Return times and prices of a candle, in wire order."""
    return {
        "candle_date_time_utc": bare_seconds(utc(candle.open_ms)),
        "candle_date_time_kst": bare_seconds(kst(candle.open_ms)),
        "opening_price": with_places(candle.opening, 8),
        "high_price": with_places(candle.high, 8),
        "low_price": with_places(candle.low, 8),
        "trade_price": with_places(candle.closing, 8),
    }


def ticker_fields(ticker: Ticker, places: int) -> Row:
    """Return what every ticker says, numbers with at least `places` decimals; the caller has the order."""
    last, day, change = ticker.last, ticker.day, ticker.change
    rate, moment = ratio(change, ticker.previous_close), utc(last.time_ms)
    return {
        "opening_price": with_places(day.opening, places),
        "high_price": with_places(day.high, places),
        "low_price": with_places(day.low, places),
        "trade_price": with_places(last.price, places),
        "prev_closing_price": with_places(ticker.previous_close, places),
        "change": ticker.direction,
        "change_price": with_places(abs(change), places),
        "signed_change_price": with_places(change, places),
        "change_rate": abs(rate),
        "signed_change_rate": rate,
        "trade_volume": with_places(last.volume, places),
        "acc_trade_price": with_places(day.value, places),
        "acc_trade_price_24h": with_places(ticker.value_24h, places),
        "acc_trade_volume": with_places(day.volume, places),
        "acc_trade_volume_24h": with_places(ticker.volume_24h, places),
        "trade_date": moment.strftime("%Y%m%d"),
        "trade_time": moment.strftime("%H%M%S"),
        "trade_timestamp": last.time_ms,
        "highest_52_week_price": with_places(ticker.highest.price, places),
        "highest_52_week_date": ticker.highest.day,
        "lowest_52_week_price": with_places(ticker.lowest.price, places),
        "lowest_52_week_date": ticker.lowest.day,
    }


def orderbook_fields(units: Sequence[BookUnit], order: Sequence[str]) -> Row:
    """Return the totals and lines of an order book; `order` names the fields of a line."""
    return {
        "total_ask_size": sum(unit.ask_size for unit in units),
        "total_bid_size": sum(unit.bid_size for unit in units),
        "orderbook_units": [{name: shortest(getattr(unit, name)) for name in order} for unit in units],
    }
