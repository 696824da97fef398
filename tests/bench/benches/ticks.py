"""Throughput of Upbit's WebSocket messages in one collector, with 1, 10 and 250 markets."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from aiohttp import WSMsgType, web

from bench.comparison import Comparison
from bench.stacks import codes
from bench.storing import connected
from bongsu.servers import ports
from collector.candle_collector import CandleCollector
from collector.live_markets import LiveMarkets
from collector.repository import CandleRepository
from collector.upbit.client import UpbitClient
from common.cache import TTLCache
from common.clock import MINUTE, ExchangeClock, closed_until
from common.config.repository import ConfigRepository
from common.jobs.tracking import JobOwner
from harness.servers import Servers, postgres_connection, servers
from upbit_simulator.exchange import Exchange
from upbit_simulator.market.clock import WallExchangeClock
from upbit_simulator.seeded.market import SeededMarket
from upbit_simulator.websocket.formats import format_message
from upbit_simulator.websocket.stream import Stream
from upbit_simulator.websocket.subscription import Subscription, parse_request

COUNTS = (1, 10, 250)
TICKS = 20_000
BEGUN = datetime(2026, 3, 2, 9, 0, 30, tzinfo=UTC)
# The last message is as much younger: then all have arrived, and no other minute is closed.
LATER = timedelta(seconds=20)
# 250 markets, each sent ten times a second.
BAR = 2500


async def measure() -> list[Comparison]:
    """Return a row for each number of markets, by the CPU seconds of the collector's event loop."""
    async with servers() as running:
        return [await _row(running, count) for count in COUNTS]


async def _row(running: Servers, count: int) -> Comparison:
    markets = codes(count)
    await _nothing_is_due(running, markets)
    with _exchange(markets) as url:
        seconds = await _taken(running, url, markets)
    rate = TICKS / seconds
    return Comparison.alone(
        f"{TICKS} WebSocket messages of {count} markets, one core",
        f"{rate:,.0f}/s",
        f">= {BAR:,}/s",
        reached=rate >= BAR,
        measured=f"{seconds / TICKS * 1e6:.0f} µs of CPU a message",
    )


async def _taken(running: Servers, url: str, markets: tuple[str, ...]) -> float:
    """Return the CPU seconds of this thread, which is the collector's; the exchange has its own."""
    async with connected(running) as (bus, database):
        clock = ExchangeClock()
        upbit = UpbitClient(url, source="simulator", clock=clock)
        collector = CandleCollector(
            upbit=upbit,
            repository=CandleRepository(database),
            bus=bus,
            config=ConfigRepository(database, TTLCache(), bus.publish),
            clock=clock,
        )
        owner = JobOwner("collector", "bench", lambda _: None)
        live = LiveMarkets(upbit=upbit, collector=collector, bus=bus, clock=clock, owner=owner)
        await live.watch(markets)
        # Looked at rarely: looking is no part of the work.
        began = time.thread_time()
        while clock.now is None or clock.now < BEGUN + LATER:
            await asyncio.sleep(0.05)
        seconds = time.thread_time() - began
        await live.stop()
        await upbit.close()
        return seconds


async def _nothing_is_due(running: Servers, markets: tuple[str, ...]) -> None:
    """Store each market's newest closed candle, so that no request is made."""
    async with postgres_connection(running.postgres.url()) as connection:
        await connection.execute("TRUNCATE market_data")
        await connection.execute(
            "INSERT INTO market_data (symbol, timestamp, open, high, low, close, volume, trade_value,"
            " source, collected_at) SELECT market, $2, 1, 1, 1, 1, 1, 1, 'simulator', $2"
            " FROM unnest($1::text[]) market",
            markets,
            closed_until(BEGUN) - MINUTE,
        )


@contextmanager
def _exchange(markets: tuple[str, ...]) -> Iterator[str]:
    """Serve the messages, in a thread of its own, to every subscriber."""
    frames = _frames(markets)
    port = ports.free_port()

    async def send(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        for frame in frames:
            await socket.send_bytes(frame)
        while (await socket.receive()).type is not WSMsgType.CLOSE:
            pass
        return socket

    loop = asyncio.new_event_loop()

    async def serve() -> web.AppRunner:
        app = web.Application()
        app.router.add_get("/websocket/v1", send)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, ports.HOST, port).start()
        return runner

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(serve(), loop).result(5)
    try:
        yield f"http://{ports.HOST}:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _frames(markets: tuple[str, ...]) -> list[bytes]:
    """Return tickers as long as Upbit's, the markets in turn, within `LATER`."""
    example = _example()
    begun, step = BEGUN.timestamp() * 1000, LATER.total_seconds() * 1000 / (TICKS - 1)
    return [
        json.dumps(
            example | {"code": markets[number % len(markets)], "timestamp": round(begun + number * step)}
        ).encode()
        for number in range(TICKS)
    ]


def _example() -> dict[str, object]:
    """Return a ticker message as the simulator sends it."""
    exchange = Exchange(SeededMarket(1), WallExchangeClock())
    asked = parse_request('[{"ticket": "bench"}, {"type": "ticker", "codes": ["KRW-BTC"]}]')
    assert isinstance(asked, Subscription)
    [message] = Stream(exchange).snapshots(asked, exchange.clock.now_ms())
    return dict(json.loads(format_message(message, asked.format)))
