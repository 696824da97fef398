"""Health beside real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bongsu.servers.nats.server import NatsServer
from bongsu.servers.postgres.server import PostgresServer
from common.events import JobState
from integration.health.running import HealthProcess, Speak, StartHealth, Voice, speaking


@pytest.fixture
async def start_health(tmp_path: Path) -> AsyncIterator[StartHealth]:
    """Start health against the given URLs; it is stopped in the end."""
    started: list[HealthProcess] = []

    async def start(database_url: str, nats_url: str, **more: str) -> HealthProcess:
        environment = {"DATABASE_URL": database_url, "NATS_URL": nats_url, **more}
        process = HealthProcess(environment, tmp_path / f"health-{len(started)}.log")
        started.append(process)
        return await process.start()

    try:
        yield start
        for process in started:
            if process.process.poll() is None:
                assert await process.stop() == 0, process.text
    finally:
        for process in started:
            process.process.kill()


@pytest.fixture
async def health(
    postgres: PostgresServer, database: str, fresh_nats: NatsServer, start_health: StartHealth
) -> HealthProcess:
    """Health beside a database and a bus of this test's own, stopped before these are."""
    return await start_health(postgres.url("bongsu_health", database), fresh_nats.url("health"))


@pytest.fixture
async def speak(fresh_nats: NatsServer) -> AsyncIterator[Speak]:
    """Have an instance of a service speak until the test ends."""
    async with AsyncExitStack() as voices:

        async def begin(service: str, instance: str, jobs: tuple[JobState, ...] | None = None) -> Voice:
            voice = speaking(fresh_nats.url(service), service, instance, jobs)
            return await voices.enter_async_context(voice)

        yield begin
