"""Message formats DEFAULT, SIMPLE, JSON_LIST and SIMPLE_LIST. Pure."""

from upbit_simulator.encoding import encode
from upbit_simulator.websocket.messages import Message

_SHORT = {
    "type": "ty",
    "code": "cd",
    "opening_price": "op",
    "high_price": "hp",
    "low_price": "lp",
    "trade_price": "tp",
    "prev_closing_price": "pcp",
    "acc_trade_price": "atp",
    "change": "c",
    "change_price": "cp",
    "signed_change_price": "scp",
    "change_rate": "cr",
    "signed_change_rate": "scr",
    "ask_bid": "ab",
    "trade_volume": "tv",
    "acc_trade_volume": "atv",
    "trade_date": "tdt",
    "trade_time": "ttm",
    "trade_timestamp": "ttms",
    "acc_ask_volume": "aav",
    "acc_bid_volume": "abv",
    "highest_52_week_price": "h52wp",
    "highest_52_week_date": "h52wdt",
    "lowest_52_week_price": "l52wp",
    "lowest_52_week_date": "l52wdt",
    "market_state": "ms",
    "is_trading_suspended": "its",
    "delisting_date": "dd",
    "market_warning": "mw",
    "timestamp": "tms",
    "acc_trade_price_24h": "atp24h",
    "acc_trade_volume_24h": "atv24h",
    "stream_type": "st",
    "sequential_id": "sid",
    "best_ask_price": "bap",
    "best_ask_size": "bas",
    "best_bid_price": "bbp",
    "best_bid_size": "bbs",
    "total_ask_size": "tas",
    "total_bid_size": "tbs",
    "orderbook_units": "obu",
    "ask_price": "ap",
    "bid_price": "bp",
    "ask_size": "as",
    "bid_size": "bs",
    "level": "lv",
    "candle_date_time_utc": "cdttmu",
    "candle_date_time_kst": "cdttmk",
    "candle_acc_trade_volume": "catv",
    "candle_acc_trade_price": "catp",
    "method": "mthd",
    "result": "rslt",
    "codes": "cds",
    "ticket": "tckt",
}


def format_message(message: Message, wire_format: str) -> str:
    """Return the frame's text in the format that the client chose."""
    shaped = _shortened(message) if wire_format.startswith("SIMPLE") else message
    return encode([shaped] if wire_format.endswith("_LIST") else shaped)


def _shortened(message: Message) -> Message:
    """Return the message with the short field names of the format SIMPLE."""
    trade_date = "td" if message.get("type") == "trade" else _SHORT["trade_date"]
    short = {**_SHORT, "trade_date": trade_date}
    return {short.get(name, name): _inner(value) for name, value in message.items()}


def _inner(value: object) -> object:
    if not isinstance(value, list):
        return value
    return [{_SHORT[name]: number for name, number in unit.items()} for unit in value]
