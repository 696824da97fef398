"""Live markets: the exchange's time on the WebSocket has each minute collected as soon as it is closed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import datetime
from functools import partial

from collector.candle_collector import CandleCollector
from collector.upbit.client import UpbitClient
from collector.upbit.parser import Tick
from collector.upbit.websocket import UpbitStream
from common.bus.broker import Bus
from common.clock import ExchangeClock, closed_until
from common.errors import ServiceError
from common.events import TickerUpdated
from common.jobs.tracking import JobOwner, track_job
from common.tasks import Background

TICKER_SECONDS = 1.0
PAUSE_SECONDS = 1.0
CHECK_SECONDS = 1.0


class LiveMarkets:
    """Publishes prices, and collects each watched market when a closed minute is due.

    A collection that fails is a failed `data_collection`; the next tick tries again.

    Attributes:
        stream: The WebSocket that the ticks come from.
    """

    def __init__(
        self,
        *,
        upbit: UpbitClient,
        collector: CandleCollector,
        bus: Bus,
        clock: ExchangeClock,
        owner: JobOwner,
    ) -> None:
        self._collector = collector
        self._bus = bus
        self._clock = clock
        self._owner = owner
        self.stream = UpbitStream(upbit.sdk, upbit.limiter, self._on_tick)
        self._due: dict[str, asyncio.Event] = {}
        self._workers: list[Background] = []
        self._ticker_sent: dict[str, float] = {}
        self._checked_at = 0.0
        self._closed: datetime | None = None

    async def watch(self, markets: tuple[str, ...]) -> None:
        """Watch these markets instead of those before."""
        if tuple(self._due) != markets:
            await self._stop_workers()
            self._due = {market: asyncio.Event() for market in markets}
            self._workers = [
                Background(f"collect {market}", partial(self._collect_when_due, market)) for market in markets
            ]
            for worker in self._workers:
                worker.start()
        await self.stream.watch(markets)

    async def stop(self) -> None:
        """Stop listening; a page on its way to the bus is either there or will be fetched again."""
        await self.stream.stop()
        await self._stop_workers()

    def collect_due(self) -> None:
        """Have each market collected that has a closed minute to publish, as far as the clock knows."""
        for market, due in self._due.items():
            if self._collector.is_due(market):
                due.set()

    async def _stop_workers(self) -> None:
        await asyncio.gather(*(worker.stop() for worker in self._workers))
        self._workers = []

    async def _on_tick(self, tick: Tick) -> None:
        self._clock.observe(tick.exchange_time)
        self._collect_in_time()
        await self._publish_price(tick)

    def _collect_in_time(self) -> None:
        """Collect what is due when a minute closes, and once a second.

        Not at each tick: with 250 markets there are many ticks, and each would check 250 markets.
        """
        assert self._clock.now is not None  # noqa: S101  a tick has just set it
        now, closed = time.monotonic(), closed_until(self._clock.now)
        if closed != self._closed or now - self._checked_at >= CHECK_SECONDS:
            self._checked_at, self._closed = now, closed
            self.collect_due()

    async def _publish_price(self, tick: Tick) -> None:
        now = time.monotonic()
        if now - self._ticker_sent.get(tick.market, 0.0) < TICKER_SECONDS:
            return
        self._ticker_sent[tick.market] = now
        believed = min(tick.exchange_time, self._clock.now or tick.exchange_time)
        event = TickerUpdated(market=tick.market, price=tick.price, exchange_time=believed)
        # Tickers may be lost: there is a newer one a second later.
        with contextlib.suppress(ServiceError):
            await self._bus.publish(event)

    async def _collect_when_due(self, market: str) -> None:
        due = self._due[market]
        while True:
            await due.wait()
            due.clear()
            if not self._collector.is_due(market):
                # It was set again while the market was being collected.
                continue
            is_done = False
            # A failure is recorded by track_job.
            with contextlib.suppress(ServiceError):
                async with track_job("data_collection", owner=self._owner):
                    is_done = await self._collector.collect(market)
            if not is_done:
                # So that ten ticks a second do not become ten calls a second.
                await asyncio.sleep(PAUSE_SECONDS)
