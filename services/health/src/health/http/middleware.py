"""ASGI middleware: HEAD answered by every GET route, and a limit for the path and the headers."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from health.http.connection import MAX_HEAD_BYTES
from health.http.responses import problem


class HeadAsGet:
    """Lets every GET route answer HEAD; the server leaves the body out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD":
            # A route whose answer has no end has to know that no one reads it.
            scope = {**scope, "method": "GET", "is_head": True}
        await self._app(scope, receive, send)


class ShortHead:
    """Refuses a request whose path and headers are longer than anything we could mean."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (length := _head_bytes(scope)) > MAX_HEAD_BYTES:
            # h11 finds out by itself only where the head came in several pieces.
            too_long = problem(431, f"the path and the headers are {length} bytes, at most {MAX_HEAD_BYTES}")
            await too_long(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _head_bytes(scope: Scope) -> int:
    headers = sum(len(name) + len(value) for name, value in scope["headers"])
    return len(scope["raw_path"]) + len(scope["query_string"]) + headers
