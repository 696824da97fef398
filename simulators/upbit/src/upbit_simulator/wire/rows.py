"""How does one candle or trade look as a row of a REST answer? Field order and digits as recorded. Pure."""

from decimal import Decimal

from upbit_simulator.encoding import bare_seconds, kst, ratio, utc, with_places
from upbit_simulator.market.candles import Candle, Trade

Row = dict[str, object]


def candle_row(code: str, candle: Candle) -> Row:
    """Return the fields every candle has, in wire order."""
    return {
        "market": code,
        "candle_date_time_utc": bare_seconds(utc(candle.open_ms)),
        "candle_date_time_kst": bare_seconds(kst(candle.open_ms)),
        "opening_price": with_places(candle.opening, 8),
        "high_price": with_places(candle.high, 8),
        "low_price": with_places(candle.low, 8),
        "trade_price": with_places(candle.closing, 8),
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
