"""A viewer of the page: receives the events that a browser receives."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx

from integration.health.running import HealthProcess
from servers.waiting import HANG_SECONDS

EVENTS = "/api/v1/events"


@asynccontextmanager
async def watching(health: HealthProcess) -> AsyncIterator[AsyncIterator[tuple[str, dict[str, Any]]]]:
    """Give the parts as they come; the iterator ends when health ends the stream."""
    async with (
        httpx.AsyncClient(base_url=health.http.base_url, timeout=HANG_SECONDS) as client,
        client.stream("GET", EVENTS) as answer,
    ):
        assert answer.status_code == 200, answer.status_code
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        async with aclosing(_parts(answer)) as parts:
            yield parts


async def next_part(health: HealthProcess, name: str) -> dict[str, Any]:
    """Return what a viewer receives first of one part."""
    async with asyncio.timeout(HANG_SECONDS), watching(health) as parts:
        async for found, part in parts:
            if found == name:
                return part
    raise AssertionError(f"the events ended without {name}")


async def _parts(answer: httpx.Response) -> AsyncGenerator[tuple[str, dict[str, Any]], None]:
    name = ""
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))
