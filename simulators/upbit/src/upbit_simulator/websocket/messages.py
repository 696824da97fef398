"""WebSocket messages, with the field order of the documentation's samples. Pure."""

from collections.abc import Sequence
from decimal import Decimal

from upbit_simulator.encoding import shortest, utc, with_places
from upbit_simulator.market.candles import Candle, Trade
from upbit_simulator.market.orderbook import BookUnit
from upbit_simulator.market.tickers import Ticker, direction
from upbit_simulator.websocket.subscription import LIST_METHOD, Channel
from upbit_simulator.wire.fields import candle_fields, orderbook_fields, ticker_fields

Message = dict[str, object]
SNAPSHOT, REALTIME = "SNAPSHOT", "REALTIME"
_TICKER = (
    "type", "code", "opening_price", "high_price", "low_price", "trade_price", "prev_closing_price",
    "acc_trade_price", "change", "change_price", "signed_change_price", "change_rate",
    "signed_change_rate", "ask_bid", "trade_volume", "acc_trade_volume", "trade_date", "trade_time",
    "trade_timestamp", "acc_ask_volume", "acc_bid_volume", "highest_52_week_price",
    "highest_52_week_date", "lowest_52_week_price", "lowest_52_week_date", "market_state",
    "is_trading_suspended", "delisting_date", "market_warning", "timestamp", "acc_trade_price_24h",
    "acc_trade_volume_24h", "stream_type",
)  # fmt: skip


def ticker_message(ticker: Ticker, bought: Decimal, shown_ms: int, stream: str) -> Message:
    """Return a ticker message; `bought` is what takers bought of the day's volume, the rest they sold."""
    fields = ticker_fields(ticker, 1) | {
        "type": "ticker",
        "code": ticker.code,
        "ask_bid": ticker.last.side,
        "acc_ask_volume": with_places(ticker.day.volume - bought, 1),
        "acc_bid_volume": with_places(bought, 1),
        "market_state": "ACTIVE",
        "is_trading_suspended": False,
        "delisting_date": None,
        "market_warning": "NONE",
        "timestamp": shown_ms,
        "stream_type": stream,
    }
    return {name: fields[name] for name in _TICKER}


def trade_message(code: str, trade: Trade, previous: Decimal, best: BookUnit, stream: str) -> Message:
    """Return a trade message; `previous` is the close of the day before, `best` the top of the book."""
    moment, change = utc(trade.time_ms), trade.price - previous
    return {
        "type": "trade",
        "code": code,
        "timestamp": trade.time_ms + 50,
        "trade_date": moment.strftime("%Y-%m-%d"),
        "trade_time": moment.strftime("%H:%M:%S"),
        "trade_timestamp": trade.time_ms,
        "trade_price": with_places(trade.price, 1),
        "trade_volume": with_places(trade.volume, 1),
        "ask_bid": trade.side,
        "prev_closing_price": with_places(previous, 1),
        "change": direction(change),
        "change_price": with_places(abs(change), 1),
        "sequential_id": trade.sequential_id,
        "best_ask_price": shortest(best.ask_price),
        "best_ask_size": shortest(best.ask_size),
        "best_bid_price": shortest(best.bid_price),
        "best_bid_size": shortest(best.bid_size),
        "stream_type": stream,
    }


def orderbook_message(
    code: str, units: Sequence[BookUnit], level: Decimal, shown_ms: int, stream: str
) -> Message:
    """Return an order book message."""
    return {
        "type": "orderbook",
        "code": code,
        "timestamp": shown_ms,
        **orderbook_fields(units, ("ask_price", "bid_price", "ask_size", "bid_size")),
        "stream_type": stream,
        "level": shortest(level),
    }


def candle_message(kind: str, code: str, candle: Candle, stream: str) -> Message:
    """Return a candle message; volume comes before value here, unlike in REST answers."""
    return {
        "type": kind,
        "code": code,
        **candle_fields(candle),
        "candle_acc_trade_volume": with_places(candle.volume, 8),
        "candle_acc_trade_price": with_places(candle.value, 16),
        "timestamp": candle.last_trade_ms,
        "stream_type": stream,
    }


def subscriptions_message(channels: Sequence[Channel], ticket: str) -> Message:
    """Return the channels of a connection, as LIST_SUBSCRIPTIONS answers; only order books have a level."""
    result: list[Message] = []
    for channel in channels:
        row: Message = {"type": channel.type, "codes": [code for code, _ in channel.codes]}
        result.append({**row, "level": shortest(channel.level)} if channel.type == "orderbook" else row)
    return {"method": LIST_METHOD, "result": result, "ticket": ticket}
