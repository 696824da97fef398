"""Stores that a power cut may hit, each as it is run and as it must not be run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import nats as nats_client
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from bongsu.servers.nats.server import NatsServer
from bongsu.servers.postgres.server import PostgresServer
from bongsu.servers.secrets import Secrets
from common.tasks import cancel_tasks
from harness.records import read_messages
from harness.servers import Connection, nats_connection, postgres_connection
from servers.fixtures import declare_streams

WRITERS = 8
SUBJECT = "market.candle.closed.KRW-BTC"
CLOSE_SECONDS = 1.0
HANG_UP_SECONDS = 0.2


class Ledger:
    """Numbers that were sent, and those that were acknowledged."""

    def __init__(self) -> None:
        self.sent = 0
        self.acknowledged: set[int] = set()

    def next(self) -> int:
        """Return a number that was never sent."""
        self.sent += 1
        return self.sent


class Server(Protocol):
    """What is common to both servers."""

    @property
    def pid(self) -> int | None:
        """The process id."""

    def start(self) -> object:
        """Start."""

    def stop(self) -> None:
        """Stop."""


class Store(Protocol):
    """A server whose data lives in a folder, how to write numbers into it and how to read them."""

    name: str

    def server(self, directory: Path, secrets: Secrets) -> Server:
        """Return the server of a folder, not started."""

    async def prepare(self, server: Any) -> None:
        """Make what the numbers go into; done once."""

    async def write(self, server: Any, ledger: Ledger, until: asyncio.Event) -> None:
        """Write numbers until it is time."""

    async def read(self, server: Any) -> set[int]:
        """Return the numbers that are there."""


async def _several(
    write: Callable[[], Coroutine[Any, Any, None]], until: asyncio.Event, hang_up: Callable[[], None]
) -> None:
    """Have several write until it is time, then hang up; raises what ended one of them before."""
    writing = [asyncio.create_task(write()) for _ in range(WRITERS)]
    time_is_up = asyncio.create_task(until.wait())
    try:
        await asyncio.wait([time_is_up, *writing], return_when=asyncio.FIRST_COMPLETED)
        for ended in (each for each in writing if each.done()):
            ended.result()
    finally:
        hang_up()
        await asyncio.wait(writing, timeout=HANG_UP_SECONDS)
        await cancel_tasks([time_is_up, *writing])


class NatsStore:
    """JetStream, with the configuration it is run with, or with the server's own default for syncing."""

    def __init__(self, *, as_run: bool) -> None:
        self.name = "NATS" if as_run else "NATS with its default sync_interval"
        self._kind = NatsServer if as_run else _RarelySynced

    def server(self, directory: Path, secrets: Secrets) -> NatsServer:
        """Return the server of a folder, not started."""
        return self._kind(directory / "nats", secrets=secrets)

    async def prepare(self, server: NatsServer) -> None:
        """Make the streams."""
        await declare_streams(server)

    async def write(self, server: NatsServer, ledger: Ledger, until: asyncio.Event) -> None:
        """Publish numbers until it is time."""
        client = await nats_client.connect(server.url(), allow_reconnect=False)
        jetstream = client.jetstream(timeout=60)

        async def publish() -> None:
            while True:
                number = ledger.next()
                await jetstream.publish(SUBJECT, str(number).encode())
                ledger.acknowledged.add(number)

        try:
            await _several(publish, until, lambda: None)
        finally:
            with contextlib.suppress(NatsError, OSError, TimeoutError):
                await asyncio.wait_for(client.close(), CLOSE_SECONDS)

    async def read(self, server: NatsServer) -> set[int]:
        """Return the numbers in the stream, none where even the stream is gone."""
        async with nats_connection(server.url()) as client:
            try:
                return {int(message.data) for message in await read_messages(client.jetstream(), "MARKET")}
            except NotFoundError:
                return set()


class PostgresStore:
    """PostgreSQL, with commits as they are made, or not waited for."""

    def __init__(self, *, as_run: bool) -> None:
        self.name = "PostgreSQL" if as_run else "PostgreSQL with synchronous_commit=off"
        self._settings = {} if as_run else {"synchronous_commit": "off"}

    def server(self, directory: Path, secrets: Secrets) -> PostgresServer:
        """Return the server of a folder, not started."""
        return PostgresServer(directory / "postgres", secrets=secrets, admin_connections=2 * WRITERS)

    async def prepare(self, server: PostgresServer) -> None:
        """Make the table."""
        async with postgres_connection(server.url()) as connection:
            await connection.execute("CREATE TABLE acknowledged (number bigint PRIMARY KEY)")

    async def write(self, server: PostgresServer, ledger: Ledger, until: asyncio.Event) -> None:
        """Commit numbers until it is time."""
        connections: list[Connection] = [
            await asyncpg.connect(server.url(), server_settings=self._settings) for _ in range(WRITERS)
        ]
        idle = iter(connections)

        async def commit() -> None:
            connection = next(idle)
            while True:
                number = ledger.next()
                await connection.execute("INSERT INTO acknowledged VALUES ($1)", number)
                ledger.acknowledged.add(number)

        def hang_up() -> None:
            for connection in connections:
                connection.terminate()

        await _several(commit, until, hang_up)

    async def read(self, server: PostgresServer) -> set[int]:
        """Return the numbers in the table."""
        async with postgres_connection(server.url()) as connection:
            rows = await connection.fetch("SELECT number FROM acknowledged")
        return {row["number"] for row in rows}


class _RarelySynced(NatsServer):
    def prepare(self) -> None:
        """Make the configuration without the line that matters."""
        super().prepare()
        configuration = self.directory / "nats.conf"
        configuration.write_text(configuration.read_text().replace("sync_interval: always", ""))
