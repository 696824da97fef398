"""Viewers of the page receive each change, and how one behaves costs the others nothing."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from itertools import count
from typing import Any

import psutil
import pytest
from fastapi import FastAPI
from fastapi.responses import Response

from bongsu.servers import ports
from bongsu.servers.nats.server import NatsServer
from common.bus.broker import Bus
from common.clock import MINUTE, utc_now
from common.events import SignalGenerated
from health.http.server import HttpServer, listen
from health.page.feed import MOST_VIEWERS
from integration.health.running import HealthProcess, Speak, StartHealth, soon
from integration.health.stored import START, store
from integration.health.watching import EVENTS, next_part, watching
from servers.waiting import HANG_SECONDS, eventually

NOWHERE = "127.0.0.1:9"
# Well below 5 s, after which a signal would be found without an event.
SHOWN_SECONDS = 2.0


async def test_every_viewer_gets_the_whole_state_and_then_each_change(
    health: HealthProcess, speak: Speak, database_url: str, fresh_nats: NatsServer
) -> None:
    await speak("collector", "c1")
    signaler = await speak("signaler", "s1")
    await soon(health.is_healthy)
    async with AsyncExitStack() as viewers, store(database_url) as stored:
        received = [await viewers.enter_async_context(watching(health)) for _ in range(2)]
        states = [await _whole_state(parts) for parts in received]
        assert states[0]["status"]["data"]["status"] == "healthy"
        assert (states[0]["signals"], states[0]["changes"]["error"]) == (states[1]["signals"], None)
        candles = count()

        async def is_shown_at_once() -> bool:
            new = str(await stored.signal(START + next(candles) * MINUTE))
            began = time.monotonic()
            await _publish_signal(fresh_nats, new)
            async with asyncio.timeout(HANG_SECONDS):
                for parts in received:
                    assert (await _next(parts, "signals"))["data"]["signals"][0]["id"] == new
            return time.monotonic() - began < SHOWN_SECONDS

        # The signals have just been read then, and without an event would be read again in 5 s.
        await is_shown_at_once()
        await soon(is_shown_at_once)
        await signaler.fall_silent()
        async with asyncio.timeout(HANG_SECONDS):
            for parts in received:
                while (await _next(parts, "status"))["data"]["status"] != "unhealthy":
                    pass


async def test_a_lost_database_is_said_beside_what_was_known(
    start_health: StartHealth, fresh_nats: NatsServer
) -> None:
    health = await start_health(f"postgresql://bongsu_health@{NOWHERE}/bongsu", fresh_nats.url("health"))
    signals = await next_part(health, "signals")
    assert signals == {"data": None, "error": "PostgreSQL cannot be read", "read_at": None}


async def test_a_viewer_that_reads_nothing_or_is_gone_costs_the_others_nothing(
    start_health: StartHealth,
) -> None:
    health = await start_health(f"postgresql://bongsu_health@{NOWHERE}/bongsu", f"nats://{NOWHERE}")
    head = await health.http.head(EVENTS)
    assert (head.status_code, head.content) == (200, b"")
    request = f"GET {EVENTS} HTTP/1.1\r\nHost: bongsu\r\n\r\n".encode()
    async with AsyncExitStack() as held:
        writers = []
        for _ in range(MOST_VIEWERS):
            reader, writer = await asyncio.open_connection("127.0.0.1", health.port, limit=1024)
            held.callback(writer.close)
            writer.write(request)
            # That it has its place; of what follows it reads nothing.
            assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
            writers.append(writer)
        refused = await health.http.get(EVENTS)
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["detail"].startswith(f"{MOST_VIEWERS} pages are open already")
        assert (await health.http.get("/health/live")).status_code == 200
        writers[0].transport.abort()
        await soon(lambda: _is_told(health))


async def test_health_ends_its_viewers_streams_and_stops(start_health: StartHealth) -> None:
    health = await start_health(f"postgresql://bongsu_health@{NOWHERE}/bongsu", f"nats://{NOWHERE}")
    async with watching(health) as parts:
        await _next(parts, "status")
        health.process.terminate()
        async for _ in parts:
            pass
        await eventually(lambda: health.process.poll() is not None)
    assert health.process.returncode == 0
    assert '"level": "error"' not in health.text
    await health.http.aclose()


async def test_who_leaves_an_answer_unread_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("health.http.connection.SLOWEST_READ_SECONDS", 0.2)
    app = FastAPI()

    @app.get("/")
    async def much() -> Response:
        return Response(bytes(32 * 1024 * 1024))

    bound = listen("127.0.0.1", port := ports.free_port())
    server = HttpServer(app, bound)
    await server.start()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET / HTTP/1.1\r\nHost: bongsu\r\n\r\n")
        await reader.readuntil(b"\r\n")
        await eventually(lambda: not _is_served(port))
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(32 * 1024 * 1024)
        writer.close()
    finally:
        await server.stop()


def _is_served(port: int) -> bool:
    connections = psutil.Process().net_connections(kind="tcp")
    return any(known.laddr.port == port and known.status == "ESTABLISHED" for known in connections)


async def _whole_state(parts: Any) -> dict[str, Any]:
    state: dict[str, Any] = {}
    async with asyncio.timeout(HANG_SECONDS):
        while set(state) < {"status", "markets", "signals", "jobs", "budget", "changes"}:
            name, part = await anext(parts)
            state[name] = part
    return state


async def _next(parts: Any, wanted: str) -> dict[str, Any]:
    while True:
        name, part = await anext(parts)
        if name == wanted:
            return dict(part)


async def _publish_signal(server: NatsServer, signal_id: str) -> None:
    bus = Bus(server.url("signaler"), service="signaler", instance="s1")
    await bus.connect()
    await bus.publish(
        SignalGenerated.model_validate(
            {
                "signal_id": signal_id,
                "market": "KRW-BTC",
                "candle_timestamp": START,
                "signal_type": "HOLD",
                "confidence": 0.72,
                "reasoning": "",
                "source": "gemini",
                "cause": None,
                "price_at_signal": "95000000",
                "created_at": utc_now(),
            }
        )
    )
    await bus.close()


async def _is_told(health: HealthProcess) -> bool:
    """Return whether one more viewer finds a place and gets the state."""
    return bool((await next_part(health, "status"))["data"]["status"] == "unhealthy")
