"""The FastAPI application: all routers, with the same middleware and error responses."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from health.http.connection import MAX_HEAD_BYTES
from health.http.responses import add_problems, problem

COMPRESSED_BYTES = 2048


def build_application(*routers: APIRouter, version: str) -> FastAPI:
    """Return the application with the routes of all routers; it holds no state of its own."""
    app = FastAPI(
        title="Bongsu health", version=version, docs_url=None, redoc_url=None, redirect_slashes=False
    )
    # Not of events, which Starlette leaves alone, nor of files, which are compressed already.
    app.add_middleware(GZipMiddleware, minimum_size=COMPRESSED_BYTES)
    app.add_middleware(RequestHead)
    add_problems(app)
    for router in routers:
        app.include_router(router)
    return app


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
