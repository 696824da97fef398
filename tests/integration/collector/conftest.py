"""A login of the tests' own, an exchange in real time, and collectors beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

from bongsu.servers.nats.server import NatsServer
from bongsu.servers.postgres.server import PostgresServer
from servers.services import ServiceProcess, service
from servers.simulators import Simulator, simulator

if TYPE_CHECKING:
    Admin = asyncpg.Connection[asyncpg.Record]


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator[Admin]:
    """A connection to this test's database, as bongsu_admin."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


StartCollector = Callable[..., AbstractContextManager[ServiceProcess]]


@pytest.fixture
def upbit() -> Iterator[Simulator]:
    with simulator("upbit_simulator") as running:
        yield running


@pytest.fixture
def start_collector(
    postgres: PostgresServer, database: str, fresh_nats: NatsServer, upbit: Simulator, tmp_path: Path
) -> StartCollector:
    def start(name: str, replicas: int = 2) -> AbstractContextManager[ServiceProcess]:
        return service(
            "collector",
            tmp_path / f"{name}.log",
            DATABASE_URL=postgres.url("bongsu_collector", database),
            NATS_URL=fresh_nats.url("collector"),
            UPBIT_BASE_URL=upbit.url,
            MARKET_SOURCE="simulator",
            REPLICAS=str(replicas),
        )

    return start
