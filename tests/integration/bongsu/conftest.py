"""A stack of this test's own for the commands: a database, a bus, and an environment that names both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import nats as nats_client
import pytest
from nats.js import JetStreamContext

from bongsu.invocation import run
from bongsu.servers.nats.server import NatsServer
from servers.commands import Ended

if TYPE_CHECKING:
    Admin = asyncpg.Connection[asyncpg.Record]

Command = Callable[..., Awaitable[Ended]]


@pytest.fixture
def stack(database_url: str, nats: NatsServer) -> dict[str, str]:
    """The variables that name the stack."""
    return {"DATABASE_URL": database_url, "NATS_URL": nats.url("cli")}


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator[Admin]:
    """A connection to this test's database, as bongsu_admin."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def jetstream(fresh_nats: NatsServer) -> AsyncIterator[JetStreamContext]:
    """JetStream of a bus of this test's own, with the rights of the reconciler."""
    client = await nats_client.connect(fresh_nats.url())
    yield client.jetstream()
    await client.close()


@pytest.fixture
def command(
    stack: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """Run a command in a thread of this process; a new one takes a second, and what it takes it for is
    tested with `servers.commands.bongsu`.
    """
    monkeypatch.chdir(tmp_path)
    for name, value in stack.items():
        monkeypatch.setenv(name, value)

    async def begin(*arguments: str) -> Ended:
        capsys.readouterr()
        code, message = await asyncio.to_thread(run, arguments)
        printed = capsys.readouterr()
        return Ended(code, printed.out, printed.err + (f"bongsu: {message}\n" if message else ""))

    return begin
