"""GET /v1/candles/…: seconds, minutes, days, weeks, months, years."""

from itertools import islice

from aiohttp import web

from upbit_simulator import parameters
from upbit_simulator.answers import INVALID, QuotationError, json_answer
from upbit_simulator.candle import DAY_MINUTES, MINUTE_MS
from upbit_simulator.exchange import CANDLES_OF, EXCHANGE, Exchange
from upbit_simulator.longer import PERIODS, periods_back
from upbit_simulator.row_faults import with_row_faults
from upbit_simulator.rows import Row, candle_row, day_row, minute_row, period_row

UNITS = (1, 3, 5, 10, 15, 30, 60, 240)
_SECONDS_KEPT_DAYS = 92


def candle_routes() -> list[web.RouteDef]:
    """Return the routes of this group."""
    return [
        web.get("/v1/candles/seconds", seconds),
        web.get("/v1/candles/minutes/{unit}", minutes),
        web.get("/v1/candles/days", days),
        web.get("/v1/candles/{period:weeks|months|years}", periods),
    ]


async def minutes(request: web.Request) -> web.Response:
    exchange = request.app[EXCHANGE]
    unit = parameters.whole(request.match_info["unit"])
    if unit not in UNITS:
        raise QuotationError(400, INVALID)
    code, before, count, now = _asked(request, exchange)
    found = islice(exchange.view.candles_back(code, unit, before, now), count)
    return _answer(exchange, [minute_row(code, candle, unit) for candle in found], now)


async def seconds(request: web.Request) -> web.Response:
    exchange = request.app[EXCHANGE]
    code, before, count, now = _asked(request, exchange)
    oldest = now - _SECONDS_KEPT_DAYS * DAY_MINUTES * 60_000
    found = islice(exchange.view.seconds_back(code, before, now), count)
    return _answer(exchange, [candle_row(code, candle) for candle in found if candle.open_ms >= oldest], now)


async def days(request: web.Request) -> web.Response:
    exchange = request.app[EXCHANGE]
    code, before, count, now = _asked(request, exchange)
    converted = parameters.converted(request.query)
    found = list(islice(exchange.view.candles_back(code, DAY_MINUTES, before, now), count + 1))
    previous = [older.closing for older in found[1:]]
    if len(previous) < min(len(found), count):
        previous.append(found[-1].opening)
    rows = [
        day_row(code, candle, close, converted=converted)
        for candle, close in zip(found, previous, strict=False)
    ]
    return _answer(exchange, rows, now)


async def periods(request: web.Request) -> web.Response:
    exchange = request.app[EXCHANGE]
    code, before, count, now = _asked(request, exchange)
    period = request.match_info["period"]
    until = before + PERIODS[period].longest_days * DAY_MINUTES * MINUTE_MS
    every_day = exchange.view.candles_back(code, DAY_MINUTES, until, now)
    found = ((first, candle) for first, candle in periods_back(every_day, period) if candle.open_ms < before)
    return _answer(exchange, [period_row(code, candle, first) for first, candle in islice(found, count)], now)


def _asked(request: web.Request, exchange: Exchange) -> tuple[str, int, int, int]:
    """Return market, exclusive end (Unix ms), count and exchange time (Unix ms)."""
    code = request[CANDLES_OF] = parameters.market(request.query, exchange.codes)
    now = exchange.now_ms(code)
    return code, parameters.before_ms(request.query, now), parameters.count(request.query), now


def _answer(exchange: Exchange, rows: list[Row], now_ms: int) -> web.Response:
    return json_answer(with_row_faults(rows, exchange.faults, "candles", now_ms))
