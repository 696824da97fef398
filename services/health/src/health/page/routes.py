"""Routes of the page, its files and its events."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from health.page.feed import Feed
from health.page.sse import EventStream
from health.page.static_files import INDEX, read_static_files


def build_page(feed: Feed) -> APIRouter:
    """Return the routes; none of them is part of the API."""
    routes = APIRouter(include_in_schema=False)
    files = read_static_files()

    @routes.get("/")
    async def page(request: Request) -> Response:
        return files[INDEX].answer(request)

    @routes.get("/static/{name}")
    async def static_file(name: str, request: Request) -> Response:
        if name not in files or name == INDEX:
            raise HTTPException(404)
        return files[name].answer(request)

    @routes.get("/api/v1/events")
    async def events() -> Response:
        return EventStream(feed)

    return routes
