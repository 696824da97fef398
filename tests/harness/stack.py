"""The whole stack of a measure: real servers, both simulators, and the three services as processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bongsu.up.environment import SIMULATED_GEMINI_KEY
from common.tasks import cancel_tasks
from harness.servers import Servers, servers
from integration.health.running import HealthProcess, soon
from integration.signaler.running import configure
from servers.services import ServiceProcess, service
from servers.simulators import Simulator, simulator
from servers.waiting import HANG_SECONDS

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

    @property
    def logs(self) -> list[Path]:
        """The logs of the three services."""
        return [self.collector.log, self.signaler.log, self.running.folder / "health.log"]

    def environment(self, name: str) -> dict[str, str]:
        """Return the environment of the collector or the signaler."""
        own = upbit_at(self.upbit) if name == "collector" else gemini_at(self.gemini)
        return self.running.urls(name) | own

    def start(self, name: str, instance: str) -> AbstractContextManager[ServiceProcess]:
        """Start another instance of the collector or the signaler."""
        return _service(self.running, name, instance, self.environment(name))


@asynccontextmanager
async def full_stack(settings: Mapping[str, Any] = SETTINGS) -> AsyncIterator[Stack]:
    """Start everything and return when health says that all is well."""
    async with servers() as running, AsyncExitStack() as stack:
        await configure(running.postgres.url(), **settings)
        upbit = await stack.enter_async_context(in_thread(simulator("upbit_simulator")))
        gemini = await stack.enter_async_context(in_thread(simulator("gemini_simulator")))
        collector = stack.enter_context(
            _service(running, "collector", "first", running.urls("collector") | upbit_at(upbit))
        )
        signaler = stack.enter_context(
            _service(running, "signaler", "first", running.urls("signaler") | gemini_at(gemini))
        )
        health = HealthProcess(running.urls("health"), running.folder / "health.log")
        await health.start()
        stack.push_async_callback(health.stop)
        await soon(health.is_healthy, within=PREPARED_SECONDS)
        yield Stack(running, upbit, gemini, collector, signaler, health)


@contextmanager
def _service(
    running: Servers, name: str, instance: str, environment: Mapping[str, str]
) -> Iterator[ServiceProcess]:
    with service(name, running.folder / f"{name}-{instance}.log", **environment) as process:
        yield process
        if process.process.poll() is None:
            process.process.terminate()
            process.process.wait(HANG_SECONDS)


def upbit_at(upbit: Simulator, source: str = "simulator") -> dict[str, str]:
    """Return the collector's own environment."""
    return {"UPBIT_BASE_URL": upbit.url, "MARKET_SOURCE": source}


def gemini_at(gemini: Simulator) -> dict[str, str]:
    """Return the signaler's own environment."""
    return {"GEMINI_API_KEY": SIMULATED_GEMINI_KEY, "GOOGLE_GEMINI_BASE_URL": gemini.url}


@asynccontextmanager
async def in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run endless work beside the block; an error that ended it is raised at the block's end."""
    task = asyncio.create_task(work)
    try:
        yield
        if task.done():
            task.result()
    finally:
        await cancel_tasks([task])


@asynccontextmanager
async def in_thread(context: AbstractContextManager[Simulator]) -> AsyncIterator[Simulator]:
    """Enter and leave in a thread: a simulator waits for its process in an event loop of its own."""
    entered = await asyncio.to_thread(context.__enter__)
    try:
        yield entered
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)
