"""How do messages look on the WebSocket? Field order from the documentation's samples. Pure."""

from collections.abc import Sequence
from decimal import Decimal

from upbit_simulator.encoding import bare_seconds, kst, ratio, shortest, utc, with_places
from upbit_simulator.market.candles import Candle, Trade
from upbit_simulator.market.orderbook import BookUnit
from upbit_simulator.market.tickers import Quote, direction
from upbit_simulator.websocket.subscription import LIST_METHOD, Wanted

Message = dict[str, object]
SNAPSHOT, REALTIME = "SNAPSHOT", "REALTIME"


def ticker_message(quote: Quote, bought: Decimal, told_ms: int, stream: str) -> Message:
    """Return a ticker message; `bought` is what takers bought of the day's volume, the rest they sold."""
    last, day, change = quote.last, quote.day, quote.change
    rate, moment = ratio(change, quote.previous_close), utc(last.time_ms)
    return {
        "type": "ticker",
        "code": quote.code,
        "opening_price": with_places(day.opening, 1),
        "high_price": with_places(day.high, 1),
        "low_price": with_places(day.low, 1),
        "trade_price": with_places(last.price, 1),
        "prev_closing_price": with_places(quote.previous_close, 1),
        "acc_trade_price": with_places(day.value, 1),
        "change": quote.direction,
        "change_price": with_places(abs(change), 1),
        "signed_change_price": with_places(change, 1),
        "change_rate": abs(rate),
        "signed_change_rate": rate,
        "ask_bid": last.side,
        "trade_volume": with_places(last.volume, 1),
        "acc_trade_volume": with_places(day.volume, 1),
        "trade_date": moment.strftime("%Y%m%d"),
        "trade_time": moment.strftime("%H%M%S"),
        "trade_timestamp": last.time_ms,
        "acc_ask_volume": with_places(day.volume - bought, 1),
        "acc_bid_volume": with_places(bought, 1),
        "highest_52_week_price": with_places(quote.highest.price, 1),
        "highest_52_week_date": quote.highest.day,
        "lowest_52_week_price": with_places(quote.lowest.price, 1),
        "lowest_52_week_date": quote.lowest.day,
        "market_state": "ACTIVE",
        "is_trading_suspended": False,
        "delisting_date": None,
        "market_warning": "NONE",
        "timestamp": told_ms,
        "acc_trade_price_24h": with_places(quote.value_24h, 1),
        "acc_trade_volume_24h": with_places(quote.volume_24h, 1),
        "stream_type": stream,
    }


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
    code: str, units: Sequence[BookUnit], level: Decimal, told_ms: int, stream: str
) -> Message:
    """Return an order book message."""
    return {
        "type": "orderbook",
        "code": code,
        "timestamp": told_ms,
        "total_ask_size": sum(unit.ask_size for unit in units),
        "total_bid_size": sum(unit.bid_size for unit in units),
        "orderbook_units": [
            {
                "ask_price": shortest(unit.ask_price),
                "bid_price": shortest(unit.bid_price),
                "ask_size": shortest(unit.ask_size),
                "bid_size": shortest(unit.bid_size),
            }
            for unit in units
        ],
        "stream_type": stream,
        "level": shortest(level),
    }


def candle_message(kind: str, code: str, candle: Candle, stream: str) -> Message:
    """Return a candle message; volume comes before value here, unlike in REST answers."""
    return {
        "type": kind,
        "code": code,
        "candle_date_time_utc": bare_seconds(utc(candle.open_ms)),
        "candle_date_time_kst": bare_seconds(kst(candle.open_ms)),
        "opening_price": with_places(candle.opening, 8),
        "high_price": with_places(candle.high, 8),
        "low_price": with_places(candle.low, 8),
        "trade_price": with_places(candle.closing, 8),
        "candle_acc_trade_volume": with_places(candle.volume, 8),
        "candle_acc_trade_price": with_places(candle.value, 16),
        "timestamp": candle.last_trade_ms,
        "stream_type": stream,
    }


def listing_message(wanted: Sequence[Wanted], ticket: str) -> Message:
    """Return what a connection hears, as LIST_SUBSCRIPTIONS answers; only order books have a level."""
    result: list[Message] = []
    for entry in wanted:
        told: Message = {"type": entry.type, "codes": [code for code, _ in entry.codes]}
        result.append({**told, "level": shortest(entry.level)} if entry.type == "orderbook" else told)
    return {"method": LIST_METHOD, "result": result, "ticket": ticket}
