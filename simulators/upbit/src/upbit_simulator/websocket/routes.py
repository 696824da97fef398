"""GET /websocket/v1: the handshake, and the session that follows it."""

from weakref import WeakSet

from aiohttp import WSCloseCode, web

from upbit_simulator.exchange import EXCHANGE
from upbit_simulator.websocket.session import Session
from upbit_simulator.wire.responses import error_response

SOCKETS: web.AppKey[WeakSet[web.WebSocketResponse]] = web.AppKey("sockets", WeakSet)
_LARGEST_REQUEST = 256 * 1024


def websocket_routes() -> list[web.RouteDef]:
    """Return the routes of this group."""
    return [web.get("/websocket/v1", connect)]


async def connect(request: web.Request) -> web.StreamResponse:
    exchange = request.app[EXCHANGE]
    refused = exchange.faults.take_on("websocket", "ws_refuse")
    if refused is not None:
        return error_response(int(refused.params.get("status", 503)), "Service Unavailable")
    socket = web.WebSocketResponse(autoping=False, max_msg_size=_LARGEST_REQUEST)
    if not socket.can_prepare(request):
        return error_response(400, 'Can "Upgrade" only to "WebSocket".')
    await socket.prepare(request)
    request.app[SOCKETS].add(socket)
    await Session(exchange, socket, request.transport).run()
    return socket


async def close_all(app: web.Application) -> None:
    """Close every connection, so that stopping does not wait for them."""
    sockets = app[SOCKETS]
    for socket in list(sockets):
        await socket.close(code=WSCloseCode.GOING_AWAY, drain=False)
