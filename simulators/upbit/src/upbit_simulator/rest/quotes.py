"""GET /v1/market/all, /v1/ticker…, /v1/orderbook… and /v1/trades/ticks."""

from decimal import Decimal
from itertools import islice, takewhile

from aiohttp import web

from upbit_simulator.encoding import shortest
from upbit_simulator.exchange import EXCHANGE, Exchange
from upbit_simulator.faults.rows import with_row_faults
from upbit_simulator.market.candles import DAY_MINUTES, MINUTE_MS, Trade
from upbit_simulator.market.listings import Listing, tick_size
from upbit_simulator.market.orderbook import DEPTH, levels, order_book
from upbit_simulator.market.tickers import previous_close, ticker_at
from upbit_simulator.rest import parameters
from upbit_simulator.rest.middleware import shown_ms
from upbit_simulator.wire.fields import Row, orderbook_fields
from upbit_simulator.wire.responses import json_response
from upbit_simulator.wire.rows import ticker_row, trade_row

_CAUTIONS = (
    "PRICE_FLUCTUATIONS",
    "TRADING_VOLUME_SOARING",
    "DEPOSIT_AMOUNT_SOARING",
    "GLOBAL_PRICE_DIFFERENCES",
    "CONCENTRATION_OF_SMALL_ACCOUNTS",
)
_DAY_MS = DAY_MINUTES * MINUTE_MS
# A trade's number is its time in ms followed by four digits.
_NUMBERS_PER_MS = 10_000


def quote_routes() -> list[web.RouteDef]:
    """Return the routes of this group."""
    return [
        web.get("/v1/market/all", market_all),
        web.get("/v1/ticker", ticker),
        web.get("/v1/ticker/all", ticker_all),
        web.get("/v1/orderbook", orderbook),
        web.get("/v1/orderbook/instruments", instruments),
        web.get("/v1/trades/ticks", trades),
    ]


async def market_all(request: web.Request) -> web.Response:
    asked = request.query.get("is_details", request.query.get("isDetails", "false"))
    details = asked.lower() == "true"
    return json_response([_market(listing, details) for listing in request.app[EXCHANGE].source.listings])


def _market(listing: Listing, details: bool) -> dict[str, object]:
    names: dict[str, object] = {
        "market": listing.code,
        "korean_name": listing.korean_name,
        "english_name": listing.english_name,
    }
    caution = dict.fromkeys(_CAUTIONS, False)
    return {**names, "market_event": {"warning": False, "caution": caution}} if details else names


async def ticker(request: web.Request) -> web.Response:
    exchange = request.app[EXCHANGE]
    return _tickers(request, exchange, parameters.markets(request.query, exchange.codes))


async def ticker_all(request: web.Request) -> web.Response:
    exchange = request.app[EXCHANGE]
    currencies = parameters.quote_currencies(request.query)
    return _tickers(
        request, exchange, [code for code in exchange.codes if code.partition("-")[0] in currencies]
    )


def _tickers(request: web.Request, exchange: Exchange, codes: list[str]) -> web.Response:
    """A recorded market that has not begun has no row."""
    now = exchange.clock.now_ms()
    found = (ticker_at(exchange.view, code, now) for code in codes)
    return json_response([ticker_row(each, shown_ms(request)) for each in found if each is not None])


async def orderbook(request: web.Request) -> web.Response:
    exchange = request.app[EXCHANGE]
    codes = parameters.markets(request.query, exchange.codes)
    depth = parameters.count(request.query, default=DEPTH, most=DEPTH)
    level = parameters.price_level(request.query)
    books = (_book(exchange, code, depth, level, shown_ms(request)) for code in codes)
    return json_response([book for book in books if book is not None])


def _book(exchange: Exchange, code: str, depth: int, level: Decimal, shown: int) -> Row | None:
    """Return a market's book; None before its first trade and for a grouping it does not support."""
    now = exchange.clock.now_ms()
    listing = exchange.listing(code)
    last = exchange.view.last_trade(code, now)
    if listing is None or last is None or level not in levels(last.price):
        return None
    units = order_book(listing, last, now, depth=depth, level=level)
    return {
        "market": code,
        "timestamp": shown,
        **orderbook_fields(units, ("bid_price", "bid_size", "ask_price", "ask_size")),
        "level": shortest(level),
    }


async def instruments(request: web.Request) -> web.Response:
    exchange = request.app[EXCHANGE]
    now = exchange.clock.now_ms()
    rows: list[dict[str, object]] = []
    for code in parameters.markets(request.query, exchange.codes):
        last = exchange.view.last_trade(code, now)
        price = last.price if last is not None else Decimal(1000)
        rows.append(
            {
                "market": code,
                "quote_currency": code.partition("-")[0],
                "tick_size": str(tick_size(price)),
                "supported_levels": [str(level) for level in levels(price)],
            }
        )
    return json_response(rows)


async def trades(request: web.Request) -> web.Response:
    exchange = request.app[EXCHANGE]
    now = exchange.clock.now_ms()
    code = parameters.market(request.query, exchange.codes)
    count = parameters.count(request.query, most=500)
    midnight, until = _day_asked(request, now)
    cursor = request.query.get("cursor")
    newest = parameters.whole(cursor) if cursor else (until + 1) * _NUMBERS_PER_MS
    if not midnight <= newest // _NUMBERS_PER_MS <= midnight + _DAY_MS:
        return json_response([])
    of_day = takewhile(
        lambda trade: trade.time_ms >= midnight,
        exchange.view.trades_back(code, min(until, newest // _NUMBERS_PER_MS)),
    )
    older = (trade for trade in of_day if trade.sequential_id < newest)
    rows = [_trade_row(exchange, code, trade) for trade in islice(older, count)]
    return json_response(with_row_faults(rows, exchange.faults, "trades"))


def _trade_row(exchange: Exchange, code: str, trade: Trade) -> Row:
    return trade_row(code, trade, previous_close(exchange.view, code, trade.time_ms) or trade.price)


def _day_asked(request: web.Request, now_ms: int) -> tuple[int, int]:
    """Return the midnight of the day `days_ago` and the newest time asked for, never past now (Unix ms).

    Trades are listed by UTC day: an answer does not go on with the day before. `to` is inclusive.
    """
    midnight = now_ms // _DAY_MS * _DAY_MS - parameters.days_ago(request.query) * _DAY_MS
    time_of_day = parameters.time_of_day_ms(request.query)
    until = midnight + (_DAY_MS - 1 if time_of_day is None else time_of_day + 999)
    return midnight, min(until, now_ms)
