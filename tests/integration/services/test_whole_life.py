"""A service closes whatever it opened: HTTP clients, WebSocket, SDKs, pool, bus, exporters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import pytest

from bongsu.servers import ports
from bongsu.servers.nats.server import NatsServer
from bongsu.servers.postgres.server import PostgresServer
from bongsu.up.environment import SIMULATED_GEMINI_KEY
from integration.services.whole_life import LEFT
from integration.signaler.running import configure
from servers.otlp import span_receiver
from servers.services import ServiceProcess, service
from servers.simulators import simulator
from servers.waiting import HANG_SECONDS, eventually

TESTS = Path(__file__).parents[2]
WORK_SECONDS = 90.0
# Slower than a service proper: the development mode checks everything.
# What Python and asyncio say of something that was not closed, awaited or looked at.
COMPLAINTS = ("ResourceWarning", "unclosed", "was never awaited", "never retrieved", "was destroyed but")


@dataclass(frozen=True)
class Surroundings:
    """What a service needs around it."""

    environment: dict[str, dict[str, str]]
    database_url: str
    health_url: str


@pytest.fixture
def around(
    postgres: PostgresServer, database: str, database_url: str, fresh_nats: NatsServer
) -> Iterator[Surroundings]:
    """The simulators, and each service's environment."""
    port = ports.free_port()
    with ExitStack() as stack:
        upbit = stack.enter_context(simulator("upbit_simulator"))
        gemini = stack.enter_context(simulator("gemini_simulator"))
        own = {
            "collector": {"UPBIT_BASE_URL": upbit.url, "MARKET_SOURCE": "simulator"},
            "signaler": {"GEMINI_API_KEY": SIMULATED_GEMINI_KEY, "GOOGLE_GEMINI_BASE_URL": gemini.url},
            "health": {"HEALTH_PORT": str(port)},
        }
        for name, environment in own.items():
            environment["DATABASE_URL"] = postgres.url(f"bongsu_{name}", database)
            environment["NATS_URL"] = fresh_nats.url(name)
        yield Surroundings(own, database_url, f"http://127.0.0.1:{port}")


@pytest.mark.parametrize("name", ["collector", "signaler", "health"])
async def test_a_service_that_has_worked_leaves_no_socket_and_no_task_open(
    name: str, around: Surroundings, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(span_receiver())
        if name != "collector":
            # So that there are candles to work on, and every minute something to decide.
            await configure(around.database_url, signal_interval_minutes=1)
            stack.enter_context(
                service("collector", tmp_path / "beside.log", **around.environment["collector"])
            )
        watched = stack.enter_context(
            service(
                "integration.services.whole_life",
                tmp_path / f"{name}.log",
                WHOLE_LIFE=name,
                PYTHONPATH=str(TESTS),
                PYTHONDEVMODE="1",
                OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
                **around.environment[name],
            )
        )
        await eventually(lambda: _has_worked(name, watched, around), WORK_SECONDS)
        watched.process.terminate()
        await eventually(lambda: watched.process.poll() is not None)
    [left] = watched.events(LEFT)
    assert (left["code"], left["sockets"], left["tasks"], left["threads"]) == (0, [], [], [])
    text = watched.log.read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if any(words in line for words in COMPLAINTS)] == []


async def _has_worked(name: str, watched: ServiceProcess, around: Surroundings) -> bool:
    if watched.process.poll() is not None:
        pytest.fail(watched.log.read_text(encoding="utf-8"))
    if name == "collector":
        return await _count(around, "market_data") > 0 and bool(watched.events("job.finished"))
    if name == "signaler":
        return await _count(around, "trading_signals") > 0
    try:
        async with httpx.AsyncClient(base_url=around.health_url, timeout=HANG_SECONDS) as client:
            paths = ("/health/detail", "/api/v1/markets", "/")
            return [(await client.get(path)).status_code for path in paths][1:] == [200, 200]
    except httpx.TransportError:
        return False


async def _count(around: Surroundings, table: str) -> int:
    connection = await asyncpg.connect(around.database_url)
    try:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))
    finally:
        await connection.close()
