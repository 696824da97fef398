"""The FastAPI application: all routers, with the same middleware and error responses."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from starlette.middleware.gzip import GZipMiddleware

from health.http.middleware import RequestHead
from health.http.responses import add_problems

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
