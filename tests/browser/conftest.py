"""One browser for all tests, and health beside servers of its own."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from bongsu.provisioning import migrations
from bongsu.servers.nats.server import NatsServer
from bongsu.servers.postgres.server import PostgresServer
from browser.chromium import ChromiumMissingError, chromium
from common.clock import MINUTE, floor_minute, utc_now
from integration.health.running import HealthProcess, Voice, healthy_jobs, soon, speaking
from integration.health.stored import store
from servers.fixtures import declare_streams

HOURS_STORED = 2


@dataclass
class Stack:
    """Health, its servers, and the voices of the other services."""

    health: HealthProcess
    postgres: PostgresServer
    nats: NatsServer
    voices: AsyncExitStack
    signaler: Voice = field(init=False)

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.health.port}/"

    async def speak(self, service: str) -> Voice:
        """Have an instance of a service speak until the stack ends."""
        name = f"{service}-{secrets.token_hex(3)}"
        # No process runs these jobs again, and the tests take longer than some of their intervals.
        jobs = tuple(job.model_copy(update={"interval_seconds": 3600.0}) for job in healthy_jobs(service))
        return await self.voices.enter_async_context(speaking(self.nats.url(service), service, name, jobs))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The one browser."""
    try:
        async with chromium() as started:
            yield started
    except ChromiumMissingError as error:
        pytest.fail(str(error))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(servers_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Everything is healthy; two hours of candles are stored, a gap of each kind, and some signals."""
    folder = servers_folder / secrets.token_hex(4)
    # With fsync: it is killed, and what was committed a moment before must be there again.
    postgres = PostgresServer(folder / "postgres", shared_buffers_mb=16)
    nats = NatsServer(folder / "nats")
    postgres.start()
    nats.start()
    try:
        await migrations.apply(postgres.url())
        await declare_streams(nats)
        await _fill(postgres.url())
        environment = {"DATABASE_URL": postgres.url("bongsu_health"), "NATS_URL": nats.url("health")}
        log = tmp_path_factory.mktemp("browser") / "health.log"
        async with AsyncExitStack() as voices:
            health = await HealthProcess(environment, log).start()
            stack = Stack(health, postgres, nats, voices)
            await stack.speak("collector")
            stack.signaler = await stack.speak("signaler")
            await soon(health.is_healthy)
            yield stack
            assert await health.stop() == 0, health.text
    finally:
        nats.stop()
        postgres.stop()


async def _fill(database_url: str) -> None:
    now = floor_minute(utc_now())
    start = now - HOURS_STORED * 60 * MINUTE
    async with store(database_url) as stored:
        await stored.candles(start, 40)
        await stored.gap(start + 40 * MINUTE, 5, "open")
        await stored.candles(start + 45 * MINUTE, 30)
        await stored.gap(start + 75 * MINUTE, 3, "confirmed_empty")
        await stored.candles(start + 78 * MINUTE, HOURS_STORED * 60 - 78)
        await stored.gap(start + 90 * MINUTE, 6, "repaired")
        for number, action in enumerate(("HOLD", "BUY", "HOLD", "SELL")):
            await stored.signal(start + (20 + 25 * number) * MINUTE, action=action)
        await stored.setting("retention_days", "90", by="operator")
