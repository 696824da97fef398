"""GET /v1/candles/…: seconds, minutes, days, weeks, months, years."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import islice

from aiohttp import web

from upbit_simulator.exchange import CANDLES_OF, EXCHANGE, Exchange
from upbit_simulator.faults.candles import visible, visible_before, with_candle_faults
from upbit_simulator.market.candles import DAY_MINUTES, MINUTE_MS, Candle
from upbit_simulator.market.periods import PERIODS, Grid, even_grid, periods_back
from upbit_simulator.rest import parameters
from upbit_simulator.wire.fields import Row
from upbit_simulator.wire.responses import INVALID, QuotationError, json_response
from upbit_simulator.wire.rows import candle_row, day_row, minute_row, period_row

UNITS = (1, 3, 5, 10, 15, 30, 60, 240)
_SECONDS_KEPT_DAYS = 92
_DAY_MS = DAY_MINUTES * MINUTE_MS


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
    code, before, count, now = _parameters(request, exchange)
    grid = even_grid(unit * MINUTE_MS)
    found = filter(visible(exchange.faults, grid), exchange.view.candles_back(code, unit, before, now))
    return _answer(exchange, [minute_row(code, candle, unit) for candle in islice(found, count)], grid, now)


async def seconds(request: web.Request) -> web.Response:
    exchange = request.app[EXCHANGE]
    code, before, count, now = _parameters(request, exchange)
    grid, oldest = even_grid(1000), now - _SECONDS_KEPT_DAYS * _DAY_MS
    found = filter(visible(exchange.faults, grid), exchange.view.seconds_back(code, before, now))
    rows = [candle_row(code, candle) for candle in islice(found, count) if candle.open_ms >= oldest]
    return _answer(exchange, rows, grid, now)


async def days(request: web.Request) -> web.Response:
    exchange = request.app[EXCHANGE]
    code, before, count, now = _parameters(request, exchange)
    converted, grid = parameters.converted(request.query), even_grid(_DAY_MS)
    is_visible = visible(exchange.faults, grid)
    every_day = _with_previous(exchange.view.candles_back(code, DAY_MINUTES, before, now))
    found = ((candle, previous) for candle, previous in every_day if is_visible(candle))
    rows = [day_row(code, candle, previous, converted=converted) for candle, previous in islice(found, count)]
    return _answer(exchange, rows, grid, now)


def _with_previous(candles: Iterator[Candle]) -> Iterator[tuple[Candle, Decimal]]:
    """Yield each candle, newest first, with the close before it; the market's first has its own opening."""
    newer = next(candles, None)
    for older in candles:
        if newer is not None:
            yield newer, older.closing
        newer = older
    if newer is not None:
        yield newer, newer.opening


async def periods(request: web.Request) -> web.Response:
    exchange = request.app[EXCHANGE]
    code, before, count, now = _parameters(request, exchange)
    grid, longest_days = PERIODS[request.match_info["period"]]
    is_visible = visible(exchange.faults, grid)
    every_day = exchange.view.candles_back(code, DAY_MINUTES, before + longest_days * _DAY_MS, now)
    found = (candle for candle in periods_back(every_day, grid) if candle.open_ms < before)
    rows = [period_row(code, candle) for candle in islice(filter(is_visible, found), count)]
    return _answer(exchange, rows, grid, now)


def _parameters(request: web.Request, exchange: Exchange) -> tuple[str, int, int, int]:
    """Return market, exclusive end (Unix ms), count and exchange time (Unix ms)."""
    code = request[CANDLES_OF] = parameters.market(request.query, exchange.codes)
    now = exchange.now_ms(code)
    before = parameters.before_ms(request.query, now)
    count = parameters.count(request.query)
    return code, visible_before(exchange.faults, before, now), count, now


def _answer(exchange: Exchange, rows: list[Row], grid: Grid, now_ms: int) -> web.Response:
    return json_response(with_candle_faults(rows, exchange.faults, grid, now_ms))
