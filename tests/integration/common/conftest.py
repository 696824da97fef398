"""A bus of the test's own, with the services' voices on it and the reconciler's rights beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from pathlib import Path

import asyncpg
import nats as nats_client
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from bongsu.servers.nats.server import NatsServer
from bongsu.servers.postgres.server import PostgresServer
from common.bus.broker import Bus
from common.streams import STORE_CANDLES
from integration.common.configured import ByHand, Instance, instance
from integration.common.speaking import Speak
from servers.services import ServiceProcess, service
from servers.waiting import subscribed

TESTS = Path(__file__).parents[2]
StartMinimal = Callable[..., AbstractContextManager[ServiceProcess]]


@pytest.fixture
async def admin(fresh_nats: NatsServer) -> AsyncIterator[Client]:
    """A client with the rights of the reconciler."""
    client = await nats_client.connect(fresh_nats.url())
    yield client
    await client.close()


@pytest.fixture
async def jetstream(admin: Client) -> JetStreamContext:
    """JetStream with the rights of the reconciler."""
    return admin.jetstream()


@pytest.fixture
async def answers(admin: Client) -> list[str]:
    """What the server is answered to deliveries of the store consumer, as the protocol spells it."""
    received: list[str] = []

    async def on_answer(message: Msg) -> None:
        received.append(message.data.decode())

    await admin.subscribe(f"$JS.ACK.MARKET.{STORE_CANDLES.name}.>", cb=on_answer)
    await subscribed(admin)
    return received


@pytest.fixture
async def speak(fresh_nats: NatsServer) -> AsyncIterator[Speak]:
    """Connect a service's bus; the test adds its readers and starts it."""
    buses: list[Bus] = []

    async def connect(service: str, instance: str = "test") -> Bus:
        buses.append(Bus(fresh_nats.url(service), service=service, instance=instance))
        await buses[-1].connect()
        return buses[-1]

    yield connect
    for bus in buses:
        await bus.close()


@pytest.fixture
async def collector(speak: Speak) -> Bus:
    """The collector's bus, connected."""
    return await speak("collector")


@pytest.fixture
def start_minimal(
    postgres: PostgresServer, database: str, fresh_nats: NatsServer, tmp_path: Path
) -> StartMinimal:
    """Start the minimal service on this test's servers; variables that are given win, and so does a log."""

    def begin(log: Path = tmp_path / "minimal.log", **changes: str) -> AbstractContextManager[ServiceProcess]:
        environment = {
            "PYTHONPATH": str(TESTS),
            "DATABASE_URL": postgres.url("bongsu_collector", database),
            "NATS_URL": fresh_nats.url("collector"),
        }
        return service("integration.common.minimal", log, **{**environment, **changes})

    return begin


@pytest.fixture
async def setter(database_url: str, nats: NatsServer) -> AsyncIterator[Instance]:
    """One that may set settings, as the command line does."""
    async with instance(database_url, nats.url("cli"), "setter") as built:
        yield built


@pytest.fixture
async def by_hand(database_url: str) -> AsyncIterator[ByHand]:
    """A connection to this test's database, as bongsu_admin with psql."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()
