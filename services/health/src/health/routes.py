"""Which paths are there, and with which status do they answer?"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from health.api.overview import MarketsOverview
from health.checks.aggregate import summarize
from health.http.connection import MAX_HEAD_BYTES
from health.http.replies import PROBLEM_CONTENT, reply
from health.http.responses import add_problems, problem
from health.schemas import DetailedHealthResponse, HealthSummary, Liveness, Overview, Readiness
from health.service import HealthAnswers

COMPRESSED_BYTES = 2048


def build_http(answers: HealthAnswers, overview: MarketsOverview, *more: APIRouter, version: str) -> FastAPI:
    """Return the application with the paths of its own and those of `more`; it holds no state of its own."""
    app = FastAPI(
        title="Bongsu health", version=version, docs_url=None, redoc_url=None, redirect_slashes=False
    )
    # Not of events, which Starlette leaves alone, nor of files, which are compressed already.
    app.add_middleware(GZipMiddleware, minimum_size=COMPRESSED_BYTES)
    app.add_middleware(HeadAsGet)
    app.add_middleware(ShortHead)
    add_problems(app)
    _add_health(app, answers)
    _add_data(app, overview)
    for routes in more:
        app.include_router(routes)
    return app


def _add_health(app: FastAPI, answers: HealthAnswers) -> None:
    @app.get("/health", response_model=HealthSummary, responses=_unhealthy(HealthSummary))
    async def health() -> Response:
        """Return the overall status; 503 when it is unhealthy."""
        detail = await answers.detail()
        return reply(summarize(detail), _status_code(detail))

    @app.get("/health/live", response_model=Liveness)
    async def live() -> Response:
        """Return 200 for as long as the process answers, whatever else is broken."""
        return reply(Liveness())

    @app.get("/health/ready", response_model=Readiness, responses=_unhealthy(Readiness))
    async def ready() -> Response:
        """Return 200 when this instance has its bus and its database, else 503."""
        readiness = answers.readiness()
        return reply(readiness, 200 if readiness.status == "ready" else 503)

    @app.get(
        "/health/detail", response_model=DetailedHealthResponse, responses=_unhealthy(DetailedHealthResponse)
    )
    async def detail() -> Response:
        """Return every component and every instance; status code as /health."""
        found = await answers.detail()
        return reply(found, _status_code(found))


def _add_data(app: FastAPI, overview: MarketsOverview) -> None:
    @app.get(
        "/api/overview",
        response_model=Overview,
        responses={503: {"description": "PostgreSQL is away", "content": PROBLEM_CONTENT}},
    )
    async def markets() -> Response:
        """Return what is stored of each market, at most a second old."""
        return reply(await overview.get())


def _status_code(detail: DetailedHealthResponse) -> int:
    return 503 if detail.status == "unhealthy" else 200


def _unhealthy(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    return {503: {"model": model, "description": "not healthy, and why"}}


class HeadAsGet:
    """Lets every GET route answer HEAD; the server leaves the body out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD":
            # Who would answer without an end has to know that nobody reads it.
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
