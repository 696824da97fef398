"""HTTP responses as the service writes them, and those that faults slow down or break off."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any, NoReturn

from aiohttp import web

from simulator_control import hang

HEADERS = {
    "Vary": "Origin, X-Origin, Referer",
    "Server": "scaffolding on HTTPServer2",
    "X-XSS-Protection": "0",
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Server-Timing": "gfet4t7; dur=120",
    "Alt-Svc": 'h3=":443"; ma=2592000,h3-29=":443"; ma=2592000',
}
JSON_TYPE = "application/json; charset=UTF-8"
SSE_TYPE = "text/event-stream"


def pretty(document: object) -> bytes:
    """Return JSON as the service spells it: two spaces, a newline at the end."""
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode(errors="replace")


def event(document: dict[str, Any]) -> bytes:
    """Return one server-sent event."""
    return b"data: " + json.dumps(document, ensure_ascii=False).encode(errors="replace") + b"\r\n\r\n"


def json_answer(request: web.Request, document: object, *, status: int = 200) -> web.Response:
    """Return a pretty-printed answer, gzipped for a client that takes it."""
    return raw_answer(request, pretty(document), status=status)


def raw_answer(request: web.Request, raw: bytes, *, status: int = 200) -> web.Response:
    """Return bytes as a JSON answer, whatever they are."""
    answer = web.Response(body=raw, status=status, headers={**HEADERS, "Content-Type": JSON_TYPE})
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        answer.enable_compression(web.ContentCoding.gzip)
    return answer


def html_answer(status: int) -> web.Response:
    """Return an error page as a proxy in front of the service does."""
    page = f"<!DOCTYPE html><html><title>Error {status}</title><p>The server encountered an error.</html>"
    return web.Response(text=page, status=status, content_type="text/html", headers=HEADERS)


async def begin(request: web.Request, content_type: str) -> web.StreamResponse:
    """Start a 200 answer whose body follows in pieces."""
    headers = {**HEADERS, "Content-Type": content_type}
    if content_type == SSE_TYPE:
        headers["Content-Disposition"] = "attachment"
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    return response


async def send(
    request: web.Request, pieces: Iterable[bytes], *, content_type: str, pause_seconds: float = 0.0
) -> web.StreamResponse:
    """Answer in these pieces, with a pause after each."""
    response = await begin(request, content_type)
    for piece in pieces:
        await response.write(piece)
        await asyncio.sleep(pause_seconds)
    return response


async def break_off(request: web.Request, raw: bytes, *, content_type: str) -> NoReturn:
    """Send these bytes of a body that would go on, then close the connection."""
    response = await begin(request, content_type)
    await response.write(raw)
    if request.transport is not None:
        request.transport.close()
    await hang()
