"""Processes of services with injected faults, started as every service is, with the same environment."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from bongsu.provisioning.streams import consumer_config
from bongsu.servers.postgres.server import PostgresServer
from common.streams import CONSUMERS
from harness.servers import Servers, nats_connection
from servers.services import ServiceProcess, service

TESTS = Path(__file__).parents[2]
DEATH_SECONDS = 60.0
STOP_SECONDS = 5.0
# What a killed process had taken comes again after this, in production after 30 s.
ACK_WAIT_SECONDS = 2.0


def service_with_faults(
    running: Servers, name: str, environment: Mapping[str, str], *what: str, nth: int = 1
) -> AbstractContextManager[ServiceProcess]:
    """Start `name` with these kill points and weakenings, with none of them the healthy service."""
    log = running.folder / f"{name}.log"
    return _injected(log, name, *what, "--nth", str(nth), **{**running.urls(name), **environment})


def migration_with_kill_point(
    postgres: PostgresServer, folder: Path, *, nth: int
) -> AbstractContextManager[ServiceProcess]:
    """Start a migration of `folder`/migrations that is killed after its n-th statement."""
    files = str(folder / "migrations")
    arguments = ("migration", "during", "--nth", str(nth), "--folder", files)
    return _injected(folder / "migration.log", *arguments, DATABASE_URL=postgres.url())


@contextmanager
def _injected(log: Path, *arguments: str, **environment: str) -> Iterator[ServiceProcess]:
    with service(
        "faults.weakening.injection", log, *arguments, PYTHONPATH=str(TESTS), **environment
    ) as process:
        yield process


async def until_killed(process: ServiceProcess) -> None:
    """Return when it has killed itself; RuntimeError where it ended otherwise, or lives on."""
    try:
        code = await asyncio.to_thread(process.process.wait, DEATH_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"the kill point was not reached: {process.last_line}") from error
    if code != -signal.SIGKILL:
        raise RuntimeError(f"it ended with exit code {code}: {process.last_line}")


async def stopped(process: ServiceProcess) -> None:
    """Send SIGTERM and wait; RuntimeError for any other exit code than 0."""
    process.process.terminate()
    if code := await asyncio.to_thread(process.process.wait, STOP_SECONDS):
        raise RuntimeError(f"it stopped with exit code {code}: {process.last_line}")


async def hand_back_soon(running: Servers) -> None:
    """Shorten what the consumers wait for an acknowledgement."""
    async with nats_connection(running.nats.url()) as client:
        for consumer in CONSUMERS:
            config = consumer_config(consumer)
            config.ack_wait = ACK_WAIT_SECONDS
            await client.jetstream().add_consumer(consumer.stream, config)
