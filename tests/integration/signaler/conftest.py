"""The signaler beside real servers and the Gemini simulator."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pydantic import SecretStr

from bongsu.servers.nats.server import NatsServer
from bongsu.servers.postgres.server import PostgresServer
from common.cache import TTLCache
from common.config.repository import ConfigRepository
from common.database.pool import Database, Share
from common.events import ConfigChanged
from servers.services import ServiceProcess, service
from servers.simulators import Simulator
from signaler.decider import Decider
from signaler.domain.gemini.status import GeminiStatus
from signaler.gemini import Gemini
from signaler.usage_repository import UsageRepository

KEY = "AQ.integration-test-key-0123456789"
StartSignaler = Callable[[], ServiceProcess]


@pytest.fixture
def gemini_faults(gemini_simulator: Simulator) -> Iterator[Simulator]:
    """The simulator; every fault is off again afterwards."""
    yield gemini_simulator
    gemini_simulator.switch_all_off()


@pytest.fixture
async def own_database(postgres: PostgresServer, database: str) -> AsyncIterator[Database]:
    """A pool on this test's database with the rights of the signaler."""
    pool = Database(postgres.url("bongsu_signaler", database), service="signaler", share=Share(1, 3))
    await pool.open()
    yield pool
    await pool.close()


@pytest.fixture
def usage(own_database: Database) -> UsageRepository:
    """The day's budget."""
    return UsageRepository(own_database)


@pytest.fixture
def status() -> GeminiStatus:
    """The status that health would be sent."""
    return GeminiStatus(has_key=True)


@pytest.fixture
async def gemini(gemini_faults: Simulator) -> AsyncIterator[Gemini]:
    """The adapter on the simulator."""
    adapter = Gemini(api_key=SecretStr(KEY), base_url=gemini_faults.url)
    yield adapter
    await adapter.close()


@pytest.fixture
def decider(gemini: Gemini, usage: UsageRepository, own_database: Database, status: GeminiStatus) -> Decider:
    """Decides with the simulator and a real budget."""

    async def no_listener(event: ConfigChanged) -> None:
        """These tests set their values before the first read."""

    return Decider(gemini, usage, ConfigRepository(own_database, TTLCache(), no_listener), status)


@pytest.fixture
def start_signaler(
    postgres: PostgresServer, database: str, fresh_nats: NatsServer, gemini_faults: Simulator, tmp_path: Path
) -> Iterator[StartSignaler]:
    """Start signalers on this test's database and bus; they are stopped in the end."""
    started: list[ServiceProcess] = []
    environment = {
        "DATABASE_URL": postgres.url("bongsu_signaler", database),
        "NATS_URL": fresh_nats.url("signaler"),
        "GEMINI_API_KEY": KEY,
        "GOOGLE_GEMINI_BASE_URL": gemini_faults.url,
    }
    with ExitStack() as running:

        def start() -> ServiceProcess:
            log = tmp_path / f"signaler-{len(started)}.log"
            started.append(running.enter_context(service("signaler", log, **environment)))
            return started[-1]

        yield start
        for process in started:
            if process.process.poll() is None:
                assert process.stop() == 0
