"""Rows of REST answers: candles, trades and tickers. Field order and digits as recorded. Pure."""

from decimal import Decimal

from upbit_simulator.encoding import kst, ratio, utc, with_places
from upbit_simulator.market.candles import Candle, Trade
from upbit_simulator.market.tickers import Ticker
from upbit_simulator.wire.fields import Row, candle_fields, ticker_fields

_TICKER = (
    "market", "trade_date", "trade_time", "trade_date_kst", "trade_time_kst", "trade_timestamp",
    "opening_price", "high_price", "low_price", "trade_price", "prev_closing_price", "change",
    "change_price", "change_rate", "signed_change_price", "signed_change_rate", "trade_volume",
    "acc_trade_price", "acc_trade_price_24h", "acc_trade_volume", "acc_trade_volume_24h",
    "highest_52_week_price", "highest_52_week_date", "lowest_52_week_price", "lowest_52_week_date",
    "timestamp",
)  # fmt: skip


def candle_row(code: str, candle: Candle) -> Row:
    """Return the fields every candle has, in wire order."""
    return {
        "market": code,
        **candle_fields(candle),
        "timestamp": candle.last_trade_ms,
        "candle_acc_trade_price": with_places(candle.value, 8),
        "candle_acc_trade_volume": with_places(candle.volume, 8),
    }


def minute_row(code: str, candle: Candle, unit: int) -> Row:
    """Return a row of /v1/candles/minutes/{unit}."""
    return {**candle_row(code, candle), "unit": unit}


def day_row(code: str, candle: Candle, previous: Decimal, *, converted: bool) -> Row:
    """Return a row of /v1/candles/days; `previous` is the close of the day before."""
    change = candle.closing - previous
    row = {
        **candle_row(code, candle),
        "prev_closing_price": with_places(previous, 8),
        "change_price": with_places(change, 8),
        "change_rate": ratio(change, previous),
    }
    return {**row, "converted_trade_price": with_places(candle.closing, 8)} if converted else row


def period_row(code: str, candle: Candle) -> Row:
    """Return a row of /v1/candles/weeks, months or years."""
    return {**candle_row(code, candle), "first_day_of_period": utc(candle.open_ms).date().isoformat()}


def trade_row(code: str, trade: Trade, previous: Decimal) -> Row:
    """Return a row of /v1/trades/ticks."""
    moment = utc(trade.time_ms)
    return {
        "market": code,
        "trade_date_utc": moment.strftime("%Y-%m-%d"),
        "trade_time_utc": moment.strftime("%H:%M:%S"),
        "timestamp": trade.time_ms,
        "trade_price": with_places(trade.price, 8),
        "trade_volume": with_places(trade.volume, 8),
        "prev_closing_price": with_places(previous, 8),
        "change_price": with_places(trade.price - previous, 8),
        "ask_bid": trade.side,
        "sequential_id": trade.sequential_id,
    }


def ticker_row(ticker: Ticker, shown_ms: int) -> Row:
    """Return a row of /v1/ticker; `shown_ms` is the exchange time it claims."""
    korea = kst(ticker.last.time_ms)
    fields = ticker_fields(ticker, 8) | {
        "market": ticker.code,
        "trade_date_kst": korea.strftime("%Y%m%d"),
        "trade_time_kst": korea.strftime("%H%M%S"),
        "timestamp": shown_ms,
    }
    return {name: fields[name] for name in _TICKER}
