"""Rows of the fault matrix on a real nats-server, through a proxy where the row needs one."""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime

from nats.js import JetStreamContext

from bongsu.provisioning.reconciler import keep_reconciled
from bongsu.servers.nats.server import NatsServer
from common.bus.broker import Bus
from common.bus.consumer_monitor import ConsumerMonitor
from common.bus.delivery import Delivery
from common.errors import ServiceError
from common.events import CandlesClosed
from common.streams import DECIDE_ON_CANDLES, MAX_ACK_PENDING, STORE_CANDLES
from common.tasks import cancel_tasks
from harness.servers import nats_connection, scratch_folder
from integration.common.speaking import count, page
from servers.fixtures import declare_streams
from servers.proxy import Proxy, proxy
from servers.waiting import eventually

# Longer than nats-py tries by default: 60 times every 2 s.
AWAY_SECONDS = 150.0
CUT_OFF_SECONDS = 60.0
BACK_SECONDS = 5.0
DEAF_SECONDS = 7.0
WIPED_SECONDS = 10.0
QUEUED = 1000
HANDLING_SECONDS = 5.0
HANDLED_FOR_SECONDS = 45.0
PAGES = 100


@asynccontextmanager
async def nats_server() -> AsyncIterator[NatsServer]:
    """Start one with all streams; it is gone afterwards."""
    with scratch_folder() as folder:
        server = NatsServer(folder / "nats")
        server.start()
        try:
            await declare_streams(server)
            yield server
        finally:
            server.stop()


@asynccontextmanager
async def connected(
    server: NatsServer, way: Proxy | None = None, *, service: str = "collector"
) -> AsyncIterator[Bus]:
    """Connect the bus of a collector, or of another service, through a proxy where one is given."""
    url = server.url(service)
    bus = Bus(way.url(url) if way else url, service=service, instance="row")
    await bus.connect()
    try:
        yield bus
    finally:
        await bus.close()


@asynccontextmanager
async def linked_collector() -> AsyncIterator[tuple[NatsServer, Proxy, Bus]]:
    """Connect a collector's bus through a proxy."""
    async with nats_server() as server, proxy(server.port) as way, connected(server, way) as bus:
        yield server, way, bus


async def away_for_long() -> str:
    """Stop NATS for longer than the client's library would try, and begin again."""
    async with nats_server() as server, connected(server) as bus:
        await bus.publish(page())
        server.stop()
        await asyncio.sleep(AWAY_SECONDS)
        server.start()
        return f"back after {await until_published(bus, page(1)):.1f} s"


async def cut_off() -> str:
    """Let nothing through to one service, and see that another one receives and publishes everything."""
    async with linked_collector() as (server, way, bus), connected(server) as other:
        way.stall()
        ends = time.monotonic() + CUT_OFF_SECONDS
        published = 0
        while time.monotonic() < ends:
            await other.publish(page(published))
            published += 1
            await asyncio.sleep(1)
        assert not bus.is_connected, "it believes that it is connected"
        way.heal()
        back = await until_published(bus, page(published))
        return f"back after {back:.1f} s, the other published {published} pages"


async def deaf() -> str:
    """Let nothing through from NATS to a service."""
    async with linked_collector() as (_, way, bus):
        way.stall(to_server=False)
        began = time.monotonic()
        await eventually(lambda: not bus.is_connected, DEAF_SECONDS)
        noticed = time.monotonic() - began
        way.heal()
        return f"noticed after {noticed:.1f} s, back {await until_published(bus, page()):.1f} s later"


async def garbled() -> str:
    """Publish and read pages over a line that breaks into what NATS sends, or breaks off inside of it."""
    async with linked_collector() as (server, way, bus), administrator(server) as jetstream:
        read: set[CandlesClosed] = set()

        async def on_page(event: CandlesClosed, _: Delivery) -> None:
            read.add(event)

        bus.consume(STORE_CANDLES, CandlesClosed, on_page)
        await bus.start()
        for number in range(PAGES):
            if number % 10 == 3:
                way.corrupt(1)
            if number % 10 == 7:
                way.cut()
            await until_published(bus, page(number))
        sent = {page(number) for number in range(PAGES)}

        async def all_are_known() -> bool:
            return len(read) + await count(jetstream, "DEAD") == PAGES

        await eventually(all_are_known, 60.0)
        stored, dead = await count(jetstream, "MARKET"), await count(jetstream, "DEAD")
        assert stored == PAGES, f"{stored} stored"
        assert read <= sent, "something was read that was never published"
        return f"{stored} of {PAGES} stored, {len(read)} read as they were, {dead} spoilt ones kept in DEAD"


async def late() -> str:
    """Publish pages over a line on which an answer takes up to 0.8 s."""
    chance = random.Random(39)
    async with (
        nats_server() as server,
        proxy(server.port) as line,
        connected(server, line) as bus,
        administrator(server) as jetstream,
    ):
        slowest = 0.0
        for number in range(20):
            line.delay_seconds = chance.uniform(0.2, 0.8)
            slowest = max(slowest, await until_published(bus, page(number)))
        assert await count(jetstream, "MARKET") == 20
        return f"20 of 20 stored, the slowest after {slowest:.1f} s"


async def store_wiped() -> str:
    """Delete everything that NATS has stored, under a collector that reads and publishes."""
    read: list[datetime] = []

    async def on_page(event: CandlesClosed, _: Delivery) -> None:
        read.append(event.covers_from)

    async with nats_server() as server, connected(server) as bus:
        bus.consume(STORE_CANDLES, CandlesClosed, on_page)
        watch = ConsumerMonitor(bus)
        reconciling = asyncio.create_task(keep_reconciled(server.url(), lambda _: None))
        await bus.start()
        watch.start()
        await bus.publish(page())
        await eventually(lambda: len(read) == 1)
        server.stop()
        await asyncio.to_thread(shutil.rmtree, server.directory / "jetstream")
        server.start()
        began = time.monotonic()
        await until_published(bus, page(1), within=WIPED_SECONDS)
        await eventually(lambda: len(read) == 2, WIPED_SECONDS)
        await watch.stop()
        await cancel_tasks([reconciling])
        return f"published and read again after {time.monotonic() - began:.1f} s"


async def slow_consumer() -> str:
    """Have a signaler, whose decisions take long, need 5 s a message with 1,000 of them waiting."""
    deliveries: list[int] = []

    async def on_page(_: CandlesClosed, delivery: Delivery) -> None:
        deliveries.append(delivery.count)
        await asyncio.sleep(HANDLING_SECONDS)

    async with (
        nats_server() as server,
        administrator(server) as jetstream,
        connected(server) as publisher,
        connected(server, service="signaler") as reader,
    ):
        for number in range(QUEUED):
            await publisher.publish(page(number))
        reader.consume(DECIDE_ON_CANDLES, CandlesClosed, on_page, at_once=3)
        await reader.start()
        most = await most_unanswered(jetstream, HANDLED_FOR_SECONDS)
    again = sum(number > 1 for number in deliveries)
    assert again == 0, f"{again} of {len(deliveries)} were delivered again"
    assert most <= MAX_ACK_PENDING, f"{most} unanswered"
    return f"0 of {len(deliveries)} delivered again, {most} unanswered at most"


async def most_unanswered(jetstream: JetStreamContext, seconds: float) -> int:
    """Return how many messages of the signaler's consumer were unacknowledged at most, in so many seconds."""
    most = 0
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        info = await jetstream.consumer_info("MARKET", DECIDE_ON_CANDLES.name)
        most = max(most, info.num_ack_pending or 0)
        await asyncio.sleep(1)
    return most


@asynccontextmanager
async def administrator(server: NatsServer) -> AsyncIterator[JetStreamContext]:
    """Look into streams, with the rights of the reconciler."""
    async with nats_connection(server.url()) as client:
        yield client.jetstream()


async def until_published(bus: Bus, event: CandlesClosed, *, within: float = BACK_SECONDS) -> float:
    """Publish until it is acknowledged; returns the seconds it took, AssertionError where it takes longer."""
    began = time.monotonic()
    while time.monotonic() - began < within:
        with suppress(ServiceError):
            await bus.publish(event)
            return time.monotonic() - began
        await asyncio.sleep(0.05)
    raise AssertionError(f"nothing could be published for {within:.0f} s")
