"""Wiring of the simulator: routes, middlewares, control."""

from weakref import WeakSet

from aiohttp import web

from simulator_control import control_routes
from upbit_simulator.encoding import iso_utc
from upbit_simulator.exchange import EXCHANGE, Exchange
from upbit_simulator.rest.candles import candle_routes
from upbit_simulator.rest.middleware import answer_errors, encode_body, inject_faults, limit_rate, set_date
from upbit_simulator.rest.quotes import quote_routes
from upbit_simulator.websocket.routes import SOCKETS, close_all, websocket_routes


def build_app(exchange: Exchange) -> web.Application:
    """Return the web application of one exchange."""
    app = web.Application(
        middlewares=[exchange.stats.middleware, encode_body, limit_rate, inject_faults, answer_errors]
    )
    app[EXCHANGE] = exchange
    app[SOCKETS] = WeakSet()
    app.on_shutdown.append(close_all)
    app.on_response_prepare.append(set_date)
    app.add_routes([*candle_routes(), *quote_routes(), *websocket_routes()])
    app.add_routes(control_routes(exchange.faults, exchange.stats))
    app.router.add_get("/_control/clock", show_clock)
    return app


async def show_clock(request: web.Request) -> web.Response:
    """Answer with the exchange clock; first, end and markets are those of the recording."""
    exchange = request.app[EXCHANGE]
    now, recording = exchange.clock.now_ms(), exchange.recording
    markets = recording.by_market if recording is not None else {}
    state = {
        "now": iso_utc(now),
        "mode": exchange.clock.mode,
        "speed": exchange.clock.speed,
        "first": iso_utc(recording.first_ms) if recording is not None else None,
        "end": iso_utc(recording.end_ms) if recording is not None else None,
        "ended": recording is not None and now >= recording.end_ms,
        "markets": {
            code: {
                "first": iso_utc(market.first_ms),
                "last": iso_utc(market.last_ms),
                "records": market.records,
            }
            for code, market in markets.items()
        },
    }
    return web.json_response(state)
