"""The whole stack of a measure: real servers, both simulators, and the three services as processes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from bongsu.up.environment import SIMULATED_GEMINI_KEY
from harness.servers import Servers, servers
from integration.health.running import HealthProcess, soon
from servers.services import STOP_SECONDS, ServiceProcess, service
from servers.simulators import Simulator, simulator

# Signals every minute, as the simulated stack makes them.
SETTINGS = {"signal_interval_minutes": 1, "gemini_daily_request_budget": 10_000}
PREPARED_SECONDS = 60.0


@dataclass
class Stack:
    """What runs; `start` brings another instance of a service."""

    running: Servers
    upbit: Simulator
    gemini: Simulator
    collector: ServiceProcess
    signaler: ServiceProcess
    health: HealthProcess

    def start(self, name: str, instance: str) -> AbstractContextManager[ServiceProcess]:
        """Start another instance of the collector or the signaler."""
        return _service(self.running, self.upbit, self.gemini, name, instance)


@asynccontextmanager
async def full_stack(settings: Mapping[str, Any] = SETTINGS) -> AsyncIterator[Stack]:
    """Start everything and return when health says that all is well."""
    async with servers() as running, AsyncExitStack() as stack:
        await configure(running, settings)
        upbit = await stack.enter_async_context(in_thread(simulator("upbit_simulator")))
        gemini = await stack.enter_async_context(in_thread(simulator("gemini_simulator")))
        collector = stack.enter_context(_service(running, upbit, gemini, "collector", "first"))
        signaler = stack.enter_context(_service(running, upbit, gemini, "signaler", "first"))
        health = HealthProcess(
            {"DATABASE_URL": running.database_url("health"), "NATS_URL": running.nats.url("health")},
            running.folder / "health.log",
        )
        await health.start()
        stack.push_async_callback(health.stop)
        await soon(health.is_healthy, within=PREPARED_SECONDS)
        yield Stack(running, upbit, gemini, collector, signaler, health)


@contextmanager
def _service(
    running: Servers, upbit: Simulator, gemini: Simulator, name: str, instance: str
) -> Iterator[ServiceProcess]:
    own = {
        "collector": {"UPBIT_BASE_URL": upbit.url, "MARKET_SOURCE": "simulator"},
        "signaler": {"GEMINI_API_KEY": SIMULATED_GEMINI_KEY, "GOOGLE_GEMINI_BASE_URL": gemini.url},
    }[name]
    urls = {"DATABASE_URL": running.database_url(name), "NATS_URL": running.nats.url(name)}
    with service(name, running.folder / f"{name}-{instance}.log", **urls, **own) as process:
        yield process
        if process.process.poll() is None:
            process.process.terminate()
            process.process.wait(STOP_SECONDS)


async def configure(running: Servers, settings: Mapping[str, Any]) -> None:
    """Write rows of `system_config`, before any service reads them."""
    connection = await asyncpg.connect(running.postgres.url())
    await connection.executemany(
        "INSERT INTO system_config (key, value) VALUES ($1, $2)",
        [(key, json.dumps(value)) for key, value in settings.items()],
    )
    await connection.close()


@asynccontextmanager
async def in_thread(context: AbstractContextManager[Simulator]) -> AsyncIterator[Simulator]:
    """Enter and leave in a thread: a simulator waits for its process in an event loop of its own."""
    entered = await asyncio.to_thread(context.__enter__)
    try:
        yield entered
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)
