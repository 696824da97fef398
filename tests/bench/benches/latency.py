"""Latency of one live candle from publish to its handler, against nats-py by hand."""

from __future__ import annotations

import asyncio
import contextlib
import time

from nats.errors import TimeoutError as NatsTimeoutError

from bench.comparison import Comparison, percentile, side_by_side
from bench.pages import pages
from bench.storing import connected, emptied
from common.bus.delivery import Delivery
from common.bus.inbox import inbox_of
from common.events import CandlesClosed
from common.streams import STORE_CANDLES
from harness.servers import Servers, nats_connection, servers

COUNT, PAUSE_SECONDS = 200, 0.02


async def measure() -> list[Comparison]:
    """Return one row: p50 and p99 of both."""
    taken: dict[str, list[float]] = {"ours": [], "raw": []}
    async with servers() as running:
        rounds = await side_by_side(
            {"ours": lambda: _ours(running, taken["ours"]), "raw": lambda: _raw(running, taken["raw"])}
        )
    mine, other = (percentile(taken[side], 0.99) for side in ("ours", "raw"))
    ratio = rounds.ratio("ours", "raw")
    return [
        Comparison(
            "publish → handler, one live candle",
            "nats-py by hand, same ack and id",
            f"p50 {rounds.median('ours'):.2f} ms, p99 {mine:.1f} ms",
            f"p50 {rounds.median('raw'):.2f} ms, p99 {other:.1f} ms",
            rounds.shown("ours", "raw"),
            "p50 <= 2x, p99 <= 50 ms",
            reached=ratio <= 2 and mine <= 50,
        )
    ]


async def _ours(running: Servers, taken: list[float]) -> float:
    await emptied(running)
    sent: dict[str, float] = {}
    delays: list[float] = []

    async def handle(page: CandlesClosed, _: Delivery) -> None:
        delays.append((time.perf_counter() - sent[page.message_id()]) * 1000)

    async with connected(running) as (bus, _):
        bus.consume(STORE_CANDLES, CandlesClosed, handle)
        await bus.start()
        for page in pages(COUNT, candles=1):
            sent[page.message_id()] = time.perf_counter()
            await bus.publish(page)
            await asyncio.sleep(PAUSE_SECONDS)
        while len(delays) < COUNT:
            await asyncio.sleep(PAUSE_SECONDS)
    taken += delays
    return percentile(delays, 0.5)


async def _raw(running: Servers, taken: list[float]) -> float:
    await emptied(running)
    sent: dict[str, float] = {}
    delays: list[float] = []
    async with nats_connection(running.nats.url("collector"), inbox_prefix=inbox_of("collector")) as client:
        jetstream = client.jetstream()

        async def receive() -> None:
            subscription = await jetstream.pull_subscribe_bind(STORE_CANDLES.name, STORE_CANDLES.stream)
            while True:
                with contextlib.suppress(NatsTimeoutError):
                    for message in await subscription.fetch(1, timeout=1):
                        page = CandlesClosed.model_validate_json(message.data)
                        delays.append((time.perf_counter() - sent[page.message_id()]) * 1000)
                        await message.ack()

        receiving = asyncio.create_task(receive())
        for page in pages(COUNT, candles=1):
            sent[page.message_id()] = time.perf_counter()
            headers = {"Nats-Msg-Id": page.message_id()}
            await jetstream.publish(page.subject_name(), page.model_dump_json().encode(), headers=headers)
            await asyncio.sleep(PAUSE_SECONDS)
        while len(delays) < COUNT:
            await asyncio.sleep(PAUSE_SECONDS)
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)
    taken += delays
    return percentile(delays, 0.5)
