"""How does a quote look as a row of GET /v1/ticker? Field order and digits as recorded. Pure."""

from upbit_simulator.encoding import kst, ratio, utc, with_places
from upbit_simulator.market.tickers import Quote


def ticker_row(quote: Quote, told_ms: int) -> dict[str, object]:
    """Return the row; `told_ms` is the exchange time it claims."""
    last, day, change = quote.last, quote.day, quote.change
    signed_rate = ratio(change, quote.previous_close)
    here, korea = utc(last.time_ms), kst(last.time_ms)
    return {
        "market": quote.code,
        "trade_date": here.strftime("%Y%m%d"),
        "trade_time": here.strftime("%H%M%S"),
        "trade_date_kst": korea.strftime("%Y%m%d"),
        "trade_time_kst": korea.strftime("%H%M%S"),
        "trade_timestamp": last.time_ms,
        "opening_price": with_places(day.opening, 8),
        "high_price": with_places(day.high, 8),
        "low_price": with_places(day.low, 8),
        "trade_price": with_places(last.price, 8),
        "prev_closing_price": with_places(quote.previous_close, 8),
        "change": quote.direction,
        "change_price": with_places(abs(change), 8),
        "change_rate": abs(signed_rate),
        "signed_change_price": with_places(change, 8),
        "signed_change_rate": signed_rate,
        "trade_volume": with_places(last.volume, 8),
        "acc_trade_price": with_places(day.value, 8),
        "acc_trade_price_24h": with_places(quote.value_24h, 8),
        "acc_trade_volume": with_places(day.volume, 8),
        "acc_trade_volume_24h": with_places(quote.volume_24h, 8),
        "highest_52_week_price": with_places(quote.highest.price, 8),
        "highest_52_week_date": quote.highest.day,
        "lowest_52_week_price": with_places(quote.lowest.price, 8),
        "lowest_52_week_date": quote.lowest.day,
        "timestamp": told_ms,
    }
