"""The servers as fixtures, on free ports, one set for each xdist worker."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import nats as nats_client
import pytest

from bongsu.provisioning import migrations
from bongsu.provisioning.streams import reconcile
from bongsu.servers.nats.server import NatsServer
from bongsu.servers.postgres.server import PostgresServer
from servers.simulators import Simulator, simulator

MIGRATED = "bongsu_migrated"

# A new database is 300 new files: 7 ms in memory and 265 ms on an ext4 disk, most of it the processor's.
MEMORY = Path("/dev/shm")
MEMORY_FREE_BYTES = 2 << 30


@contextmanager
def passable_folder(parent: Path | None = None) -> Iterator[Path]:
    """A folder that PostgreSQL's user may pass through, which pytest's own is not for root."""
    with tempfile.TemporaryDirectory(prefix="bongsu-test-", dir=parent, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@pytest.fixture(scope="session")
def servers_folder() -> Iterator[Path]:
    """Where the servers of the tests keep their data: in memory, or on the disk where that has no room."""
    in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_FREE_BYTES
    with passable_folder(MEMORY if in_memory else None) as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres(servers_folder: Path) -> Iterator[PostgresServer]:
    """A PostgreSQL whose database `bongsu_migrated` holds the tables; `url(role, database)` logs in."""
    server = PostgresServer(
        servers_folder / "postgres",
        fsync=False,
        admin_connections=40,
        max_connections=80,
        shared_buffers_mb=32,
        databases="all",
    )
    server.start()
    asyncio.run(_make_template(server))
    yield server
    server.stop()


@pytest.fixture
def own_postgres(servers_folder: Path, tmp_path: Path) -> Iterator[PostgresServer]:
    """A PostgreSQL that the test may do to what it likes; without tables."""
    server = PostgresServer(servers_folder / tmp_path.name / "postgres", fsync=False, shared_buffers_mb=16)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def database(postgres: PostgresServer) -> AsyncIterator[str]:
    """The name of a database of this test's own, with all tables and no rows."""
    name = f"test_{secrets.token_hex(6)}"
    await _as_admin(postgres, f"CREATE DATABASE {name} TEMPLATE {MIGRATED} STRATEGY file_copy")
    yield name
    await _as_admin(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(postgres: PostgresServer, database: str) -> str:
    """The URL of this test's database, as bongsu_admin; other roles: `postgres.url(role, database)`."""
    return postgres.url(database=database)


@pytest.fixture(scope="session")
def nats(servers_folder: Path) -> Iterator[NatsServer]:
    """A nats-server with the streams and consumers declared, shared by the tests of a worker."""
    yield from _nats(servers_folder / "nats")


@pytest.fixture
def fresh_nats(servers_folder: Path) -> Iterator[NatsServer]:
    """The same for one test alone, which may do to it what it likes."""
    yield from _nats(servers_folder / secrets.token_hex(4) / "nats")


@pytest.fixture(scope="session")
def gemini_simulator() -> Iterator[Simulator]:
    """One Gemini simulator for all tests of a worker."""
    with simulator("gemini_simulator") as running:
        yield running


@pytest.fixture
def gemini(gemini_simulator: Simulator) -> Iterator[Simulator]:
    """The Gemini simulator; every fault is off again afterwards."""
    yield gemini_simulator
    gemini_simulator.switch_all_off()


@pytest.fixture(scope="session")
def upbit_simulator() -> Iterator[Simulator]:
    """One Upbit simulator for all tests of a worker."""
    with simulator("upbit_simulator") as running:
        # Its first quote looks a year back, which takes longer than the product waits on a busy machine.
        running.get("/v1/ticker?markets=KRW-BTC")
        yield running


@pytest.fixture
def upbit(upbit_simulator: Simulator) -> Iterator[Simulator]:
    """The Upbit simulator; every fault is off again afterwards."""
    yield upbit_simulator
    upbit_simulator.switch_all_off()


def _nats(folder: Path) -> Iterator[NatsServer]:
    server = NatsServer(folder)
    server.start()
    asyncio.run(declare_streams(server))
    yield server
    server.stop()


async def declare_streams(server: NatsServer) -> None:
    """Make the streams and durable consumers, as the reconciler does."""
    client = await nats_client.connect(server.url())
    try:
        await reconcile(client.jetstream())
    finally:
        await client.close()


async def _make_template(server: PostgresServer) -> None:
    await _as_admin(server, f"CREATE DATABASE {MIGRATED} STRATEGY file_copy")
    await migrations.apply(server.url(database=MIGRATED))


async def _as_admin(server: PostgresServer, statement: str) -> None:
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
