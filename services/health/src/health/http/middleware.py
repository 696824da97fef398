"""ASGI middleware for a request's head: a limit for its length, and HEAD answered by every GET route."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from health.http.connection import MAX_HEAD_BYTES
from health.http.responses import problem


class RequestHead:
    """Refuses a path and headers longer than anything we could mean, and lets every GET route answer HEAD."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (length := _head_bytes(scope)) > MAX_HEAD_BYTES:
            # h11 finds out by itself only where the head came in several pieces.
            too_long = problem(431, f"the path and the headers are {length} bytes, at most {MAX_HEAD_BYTES}")
            return await too_long(scope, receive, send)
        if scope["method"] == "HEAD":
            # The server leaves the body out; a route whose answer has no end must know that no one reads it.
            scope = {**scope, "method": "GET", "is_head": True}
        return await self._app(scope, receive, send)


def _head_bytes(scope: Scope) -> int:
    headers = sum(len(name) + len(value) for name, value in scope["headers"])
    return len(scope["raw_path"]) + len(scope["query_string"]) + headers
