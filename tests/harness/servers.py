"""The real servers of a measure, set as in production: every commit and every publish reaches the disk."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
import nats
import psutil
from nats.aio.client import Client

from bongsu.provisioning import migrations
from bongsu.provisioning.roles import ADMIN_CONNECTIONS
from bongsu.servers.nats.server import NatsServer
from bongsu.servers.postgres.server import PostgresServer
from servers.fixtures import declare_streams

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[Any]
else:
    Connection = Any


@dataclass(frozen=True)
class Servers:
    """A PostgreSQL with all tables, a nats-server with all streams, and a folder for files."""

    postgres: PostgresServer
    nats: NatsServer
    folder: Path

    def database_url(self, service: str) -> str:
        """Return the URL of the service's own role."""
        return self.postgres.url(f"bongsu_{service}")

    def urls(self, service: str) -> dict[str, str]:
        """Return the service's environment as far as it is the servers'."""
        return {"DATABASE_URL": self.database_url(service), "NATS_URL": self.nats.url(service)}


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a folder that PostgreSQL's user may pass through; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bongsu-acceptance-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        yield Path(name)


@asynccontextmanager
async def servers(*, admin_connections: int = ADMIN_CONNECTIONS) -> AsyncIterator[Servers]:
    """Start both on free ports; they and their data are gone afterwards.

    Args:
        admin_connections: How many connections the administrator may have, who is no service.
    """
    with scratch_folder() as folder:
        postgres = PostgresServer(
            folder / "postgres",
            admin_connections=admin_connections,
            max_connections=40 + admin_connections,
        )
        nats = NatsServer(folder / "nats")
        try:
            postgres.start()
            nats.start()
            await migrations.apply(postgres.url())
            await declare_streams(nats)
            yield Servers(postgres, nats, folder)
        finally:
            nats.stop()
            postgres.stop()


@asynccontextmanager
async def postgres_connection(url: str, **options: Any) -> AsyncIterator[Connection]:
    """Connect past every pool, for as long as the block runs."""
    connection = await asyncpg.connect(url, **options)
    try:
        yield connection
    finally:
        # Not closed: a server that a fault has frozen would never answer to it.
        connection.terminate()


@asynccontextmanager
async def nats_connection(url: str | list[str], **options: Any) -> AsyncIterator[Client]:
    """Connect past our own bus, for as long as the block runs."""
    client = await nats.connect(url, **options)
    try:
        yield client
    finally:
        await client.close()


@contextmanager
def frozen(*pids: int | None) -> Iterator[None]:
    """Freeze these processes and their children, a PostgreSQL's backends too, for the length of the block."""
    assert all(pids), "a server that does not run cannot be frozen"
    parents = [psutil.Process(pid) for pid in pids]
    processes = [*parents, *(child for parent in parents for child in parent.children(recursive=True))]
    try:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()
        yield
    finally:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()
