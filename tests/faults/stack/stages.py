"""Fixture of one service: real servers with empty tables, and the environment of the service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from faults.stack.running import hand_back_soon
from harness.servers import Connection, Servers, postgres_connection, servers
from integration.signaler.running import configure

# No server listens there: every page comes from the stream.
NO_UPBIT = {"UPBIT_BASE_URL": "http://127.0.0.1:9", "MARKET_SOURCE": "simulator"}
EVERY_MINUTE = {"signal_interval_minutes": 1, "gemini_daily_request_budget": 10_000}


@asynccontextmanager
async def empty_stack(settings: Mapping[str, Any]) -> AsyncIterator[tuple[Servers, Connection]]:
    """Start PostgreSQL and NATS, and connect as the administrator."""
    async with servers() as running:
        await configure(running.postgres.url(), **settings)
        await hand_back_soon(running)
        async with postgres_connection(running.postgres.url()) as admin:
            yield running, admin
