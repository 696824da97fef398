"""Middlewares of every public route: body encoding, rate limits, faults and error bodies."""

import asyncio
from email.utils import formatdate

from aiohttp import HttpVersion11, web
from aiohttp.typedefs import Handler

from simulator_control import Fault, hang, reset
from upbit_simulator.exchange import CANDLES_OF, EXCHANGE
from upbit_simulator.faults.bodies import cut_off, large_body
from upbit_simulator.faults.kinds import skew_ms
from upbit_simulator.rate_limits import PER_SECOND
from upbit_simulator.wire import responses

GROUPS = {
    "candles": "candles",
    "ticker": "ticker",
    "orderbook": "orderbook",
    "trades": "crix-trades",
    "market": "market",
}
_SKEW = web.RequestKey("skew_ms", int)
_HTML = b"<html><head><title>Upbit</title></head><body><h1>Service maintenance</h1></body></html>"
_HTML_TYPE = "text/html;charset=UTF-8"
_REPLACING = ("rate_limited", "blocked", "http_error", "market_offline", "hang", "reset", "html_page")
_LARGE = ("huge_body", "gzip_bomb")


def part_of(path: str) -> str | None:
    """Return which part of the exchange a path belongs to, as `params.route` names it."""
    if path.startswith("/websocket/"):
        return "websocket"
    name = path.removeprefix("/v1/").partition("/")[0]
    return name if path.startswith("/v1/") and name in GROUPS else None


def shown_ms(request: web.Request) -> int:
    """Return the exchange time this answer claims; off under the fault `clock_skew`."""
    exchange, code = request.app[EXCHANGE], request.get(CANDLES_OF)
    return (exchange.now_ms(code) if code else exchange.clock.now_ms()) + int(request.get(_SKEW, 0))


async def set_date(request: web.Request, response: web.StreamResponse) -> None:
    """Put the exchange clock into `Date`, on every answer."""
    response.headers["Date"] = formatdate(shown_ms(request) // 1000, usegmt=True)


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn refusals into Upbit's error bodies."""
    try:
        return await handler(request)
    except responses.QuotationError as error:
        return responses.error_response(error.status, error.message)
    except web.HTTPNotFound:
        return responses.error_response(404, "Not Found")


@web.middleware
async def limit_rate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count the request against its group; WebSocket connects are 5 a second."""
    part = part_of(request.path)
    if part is None:
        return await handler(request)
    exchange, client = request.app[EXCHANGE], request.remote or ""
    group, allowed, window_seconds = _limit(part, from_browser="Origin" in request.headers)
    verdict = exchange.limits.check(
        client, group, exchange.wall(), allowed=allowed, window_seconds=window_seconds
    )
    if verdict.block_seconds:
        return responses.blocked(verdict.block_seconds)
    if not verdict.allowed:
        return responses.too_many_requests(group)
    response = await handler(request)
    if not response.prepared:
        response.headers.setdefault("Remaining-Req", responses.remaining_req(group, verdict.remaining))
    return response


def _limit(part: str, *, from_browser: bool) -> tuple[str, int, int]:
    """Return group, requests and seconds; a browser's requests, which name an Origin, are nearly none."""
    if part == "websocket":
        return "websocket-connect", 5, 1
    return ("origin", 1, 10) if from_browser else (GROUPS[part], PER_SECOND, 1)


@web.middleware
async def inject_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Apply the active faults to this request."""
    part = part_of(request.path)
    if part is None:
        return await handler(request)
    faults = request.app[EXCHANGE].faults
    skew = faults.take_on(part, "clock_skew")
    if skew is not None:
        request[_SKEW] = skew_ms(skew)
    slow = faults.take_on(part, "slow")
    if slow is not None:
        await asyncio.sleep(slow.params.get("delay_seconds", 5))
    replacing = faults.take_on(part, *_REPLACING)
    if replacing is not None:
        return await _replaced(request, replacing, GROUPS.get(part, "websocket-connect"))
    large = faults.take_on(part, *_LARGE)
    if large is not None:
        return await asyncio.to_thread(large_body, large)
    return await _corrupted(request, part, await handler(request))


async def _replaced(request: web.Request, fault: Fault, group: str) -> web.StreamResponse:
    match fault.kind:
        case "rate_limited":
            return responses.too_many_requests(group, as_json=fault.params.get("body") == "json")
        case "blocked":
            exchange = request.app[EXCHANGE]
            seconds = fault.params.get("block_seconds", 60)
            return responses.blocked(exchange.limits.block(request.remote or "", exchange.wall(), seconds))
        case "market_offline":
            message = "시스템 점검 중입니다. 점검이 완료된 후에 다시 시도해주세요."
            return responses.error_response(403, message, name="market_offline")
        case "html_page":
            return responses.body_response(_HTML, content_type=_HTML_TYPE)
        case "http_error":
            return _http_error(fault, group)
        case "reset":
            return await reset(request)
        case _:
            return await hang()


def _http_error(fault: Fault, group: str) -> web.Response:
    status, body = int(fault.params.get("status", 502)), fault.params.get("body", "json")
    too_many = status == web.HTTPTooManyRequests.status_code
    if body == "json":
        if too_many:
            return responses.too_many_requests(group, as_json=True)
        return responses.error_response(status, "An internal error occurred.", name="internal_error")
    content, content_type = (_HTML, _HTML_TYPE) if body == "html" else (b"", responses.JSON_TYPE)
    response = responses.body_response(content, status=status, content_type=content_type)
    if too_many:
        response.headers["Remaining-Req"] = responses.remaining_req(group, 0)
    return response


async def _corrupted(request: web.Request, part: str, response: web.StreamResponse) -> web.StreamResponse:
    if response.prepared or not isinstance(response, web.Response) or not isinstance(response.body, bytes):
        return response
    faults = request.app[EXCHANGE].faults
    if faults.take_on(part, "truncated_json") is not None:
        response.body = response.body[: len(response.body) // 2]
    if faults.take_on(part, "wrong_content_type") is not None:
        response.headers["Content-Type"] = _HTML_TYPE
    if faults.take_on(part, "cut_off") is not None:
        return await cut_off(request, response, bytes(response.body))
    return response


@web.middleware
async def encode_body(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Send chunked, and gzip where the client takes it, as the exchange does; HTTP/1.0 knows no chunks."""
    response = await handler(request)
    if part_of(request.path) is not None and not response.prepared:
        if (
            "gzip" in request.headers.get("Accept-Encoding", "")
            and "Content-Encoding" not in response.headers
        ):
            response.enable_compression(web.ContentCoding.gzip)
        if request.version >= HttpVersion11:
            response.enable_chunked_encoding()
    return response
