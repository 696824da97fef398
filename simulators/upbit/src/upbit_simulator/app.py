"""The simulator put together: routes, middlewares, control."""

from typing import Any
from weakref import WeakSet

from aiohttp import web

from simulator_control import control_routes, stats_middleware
from upbit_simulator.encoding import iso_utc
from upbit_simulator.exchange import EXCHANGE, Exchange
from upbit_simulator.rest.candles import candle_routes
from upbit_simulator.rest.middleware import inject_faults, limit_rate, pack, speak_as_upbit, tell_time
from upbit_simulator.rest.quotes import quote_routes
from upbit_simulator.websocket.route import SOCKETS, close_all, websocket_routes


def build_app(exchange: Exchange) -> web.Application:
    """Return the web application of one exchange."""
    app = web.Application(
        middlewares=[stats_middleware(exchange.stats), pack, limit_rate, inject_faults, speak_as_upbit]
    )
    app[EXCHANGE] = exchange
    app[SOCKETS] = WeakSet()
    app.on_shutdown.append(close_all)
    app.on_response_prepare.append(tell_time)
    app.add_routes([*candle_routes(), *quote_routes(), *websocket_routes()])
    clock = {"clock": lambda: clock_state(exchange)}
    app.add_routes(control_routes(exchange.faults, exchange.stats, extra=clock))
    return app


def clock_state(exchange: Exchange) -> dict[str, Any]:
    """Return what GET /_control/clock answers; first, end and markets are those of the recording."""
    now, recording = exchange.clock.now_ms(), exchange.recording
    spans = recording.spans if recording is not None else {}
    return {
        "now": iso_utc(now),
        "mode": exchange.clock.mode,
        "speed": exchange.clock.speed,
        "first": iso_utc(recording.first_ms) if recording is not None else None,
        "end": iso_utc(recording.end_ms) if recording is not None else None,
        "ended": recording is not None and now >= recording.end_ms,
        "markets": {
            code: {
                "first": iso_utc(round(span.first.timestamp() * 1000)),
                "last": iso_utc(round(span.last.timestamp() * 1000)),
                "records": span.records,
            }
            for code, span in spans.items()
        },
    }
