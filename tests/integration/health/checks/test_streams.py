"""Streams that fill up or take nothing: shown by health, and forgotten afterwards."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import nats as nats_client
import pytest
from nats.js import JetStreamContext

from bongsu.servers.nats.server import NatsServer
from bongsu.servers.postgres.server import PostgresServer
from common.bus.broker import Bus
from common.errors import TransientError
from integration.common.speaking import kept, signal
from integration.health.running import HealthProcess, Speak, StartHealth, soon, speaking
from servers.fixtures import declare_streams
from servers.waiting import HANG_SECONDS

MAX_BYTES = 1024 * 1024
FILLER = b"x" * 4096
PAGE_BYTES = 20_000
PAGES = "market.candle.closed.KRW-BTC"
SMALL, LARGER = "size=6m", "size=24m"


@asynccontextmanager
async def administrator(server: NatsServer) -> AsyncIterator[JetStreamContext]:
    client = await nats_client.connect(server.url())
    try:
        yield client.jetstream(timeout=HANG_SECONDS)
    finally:
        await client.close()


async def fill(jetstream: JetStreamContext, stream: str, subject: str, ratio: float) -> None:
    """Publish until so much of a stream is full."""
    while (await jetstream.stream_info(stream)).state.bytes < ratio * MAX_BYTES:
        await jetstream.publish(subject, FILLER)


async def test_a_stream_that_fills_up_or_is_gone_is_told_and_forgotten_when_it_is_as_before(
    health: HealthProcess, speak: Speak, fresh_nats: NatsServer
) -> None:
    stream, subject = "MARKET", PAGES
    await speak("collector", "c1")
    await speak("signaler", "s1")
    async with administrator(fresh_nats) as jetstream:
        config = (await jetstream.stream_info(stream)).config
        await jetstream.update_stream(config, max_bytes=MAX_BYTES)
        await soon(health.is_healthy)
        await fill(jetstream, stream, subject, 0.81)
        await soon(lambda: health.blames("scheduler", f"the stream {stream} is 8"))
        assert (await health.component("scheduler"))["status"] == "warning"
        await fill(jetstream, stream, subject, 0.991)
        await soon(lambda: health.blames("scheduler", "full and refuses new messages"))
        assert (await health.detail())["code"] == 503
        await jetstream.purge_stream(stream)
        await soon(health.is_healthy)
        await jetstream.delete_stream("CONFIG")
        await soon(lambda: health.blames("scheduler", "the stream CONFIG is gone"))
    await declare_streams(fresh_nats)
    await soon(health.is_healthy)


async def test_what_a_full_stream_refused_is_told_and_there_once_it_was_purged(
    health: HealthProcess, speak: Speak, fresh_nats: NatsServer
) -> None:
    await speak("collector", "c1")
    signaler = await speak("signaler", "s1")
    async with administrator(fresh_nats) as jetstream:
        await soon(health.is_healthy)
        config = (await jetstream.stream_info("SIGNALS")).config
        await jetstream.update_stream(config, max_bytes=100)
        with pytest.raises(TransientError, match="maximum bytes exceeded"):
            await signaler.bus.publish(signal())
        await soon(lambda: health.blames("scheduler", "s1: SIGNALS takes nothing"))
        await jetstream.update_stream(config, max_bytes=MAX_BYTES)
        await signaler.bus.publish(signal())
        await soon(health.is_healthy)
        assert len(await kept(jetstream, "SIGNALS")) == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 6 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", SMALL, "none", str(place)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"a full disk needs root, who may mount one: {made.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def enlarge(disk: Path) -> None:
    subprocess.run(["mount", "-o", f"remount,{LARGER}", str(disk)], check=True)


@pytest.fixture
def cramped_nats(small_disk: Path, tmp_path: Path) -> Iterator[NatsServer]:
    """A nats-server whose streams lie on that disk."""
    server = NatsServer(small_disk / "nats", log=tmp_path / "nats.log")
    server.start()
    yield server
    server.stop()


async def publish_until_refused(bus: Bus) -> int:
    """Publish pages until one is not acknowledged; returns how many were."""
    acknowledged = 0
    while True:
        try:
            await bus.send(PAGES, os.urandom(PAGE_BYTES), headers={}, stream="MARKET")
        except TransientError:
            return acknowledged
        acknowledged += 1


async def test_a_full_disk_is_reported_and_loses_nothing_that_was_acknowledged(
    postgres: PostgresServer,
    database: str,
    cramped_nats: NatsServer,
    small_disk: Path,
    start_health: StartHealth,
) -> None:
    await declare_streams(cramped_nats)
    health = await start_health(postgres.url("bongsu_health", database), cramped_nats.url("health"))
    async with AsyncExitStack() as voices:
        for service in ("collector", "signaler"):
            voice = await voices.enter_async_context(speaking(cramped_nats.url(service), service, service))
            if service == "collector":
                collector = voice
        await soon(health.is_healthy)
        acknowledged = await publish_until_refused(collector.bus)
        await soon(lambda: health.blames("scheduler", "MARKET takes nothing: TimeoutError"))
        assert (await health.detail())["code"] == 503
        enlarge(small_disk)
        cramped_nats.stop()
        cramped_nats.start()
        async with administrator(cramped_nats) as jetstream:
            assert len(await kept(jetstream, "MARKET")) == acknowledged
        await soon(health.is_healthy)
        await collector.bus.send(PAGES, b"{}", headers={}, stream="MARKET")
