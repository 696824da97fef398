"""Composition root of the collector."""

from __future__ import annotations

import asyncio
import os
from datetime import datetime, timedelta

from collector.candle_collector import CandleCollector
from collector.handlers import PAGES_AT_ONCE, CandleHandlers
from collector.jobs import GAP_REPAIR_SECONDS, RETENTION_SECONDS, CollectorJobs
from collector.live_markets import LiveMarkets
from collector.probe import UpbitProbe
from collector.repository import CandleRepository
from collector.settings import CollectorSettings
from collector.upbit.block_repository import BlockRepository
from collector.upbit.client import UpbitClient
from collector.upbit.ip_block import IpBlock
from collector.upbit.rate_limiter import RateLimiter
from common.clock import ExchangeClock, utc_now
from common.config.keys import COLLECT_INTERVAL_SECONDS, MARKETS
from common.events import CandlesClosed, ComponentState
from common.runtime.runtime import Runtime
from common.streams import STORE_CANDLES

# Longer than a running clock's `Date`, in whole seconds, ever stays the same.
STANDS_SECONDS = 30.0


class Collector:
    """The service: live markets, scheduled jobs, the store consumer and the probe of Upbit."""

    def __init__(self, runtime: Runtime, settings: CollectorSettings) -> None:
        self._runtime = runtime
        clock = ExchangeClock(steady=settings.market_source != "replay")
        repository = CandleRepository(runtime.database)
        limiter = RateLimiter(replicas=settings.replicas)
        self._block = IpBlock(limiter, BlockRepository(runtime.database))
        self._upbit = UpbitClient(
            settings.upbit_base_url, source=settings.market_source, clock=clock, limiter=limiter
        )
        collector = CandleCollector(
            upbit=self._upbit,
            repository=repository,
            bus=runtime.bus,
            config=runtime.config,
            clock=clock,
        )
        self._jobs = CollectorJobs(
            collector=collector,
            repository=repository,
            bus=runtime.bus,
            config=runtime.config,
            clock=clock,
        )
        self._live = LiveMarkets(
            upbit=self._upbit,
            collector=collector,
            bus=runtime.bus,
            clock=clock,
            owner=runtime.job_owner,
        )
        handlers = CandleHandlers(repository, clock)
        self._probe = UpbitProbe(self._upbit, self._live, clock)
        if settings.market_source == "replay":
            runtime.exchange_stands_since = lambda: stands_since(clock)
        runtime.bus.consume(STORE_CANDLES, CandlesClosed, handlers.on_candles_closed, at_once=PAGES_AT_ONCE)

    async def start(self) -> None:
        """Begin to collect; the first pages close the hole since the last stop."""
        config, scheduler = self._runtime.config, self._runtime.scheduler
        interval = await config.get(COLLECT_INTERVAL_SECONDS)
        scheduler.add("data_collection", every_seconds=interval, body=self._jobs.collect_candles)
        scheduler.add("gap_repair", every_seconds=GAP_REPAIR_SECONDS, body=self._jobs.repair_gaps)
        scheduler.add("retention", every_seconds=RETENTION_SECONDS, body=self._jobs.delete_old_candles)
        self._runtime.config_watch.listen(self._apply_settings)
        await self._block.wait_until_known()
        self._block.start()
        await self._apply_settings()
        self._probe.start()

    async def stop(self) -> None:
        """Stop listening to Upbit and close its connections."""
        await asyncio.gather(self._live.stop(), self._probe.stop(), self._block.stop())
        await self._upbit.close()

    def components(self) -> tuple[ComponentState, ...]:
        """Return what the probe found of Upbit."""
        return (self._probe.state,)

    async def _apply_settings(self) -> None:
        config = self._runtime.config
        markets = await config.get(MARKETS)
        interval = await config.get(COLLECT_INTERVAL_SECONDS)
        self._runtime.scheduler.reschedule("data_collection", every_seconds=interval)
        self._probe.market = markets[0]
        await self._live.watch(tuple(markets))


def stands_since(clock: ExchangeClock) -> datetime | None:
    """Return when a recording's clock came to its end, None while it runs or is silent."""
    advanced = clock.advanced_at
    if advanced is None or clock.silent_seconds > STANDS_SECONDS:
        return None
    return advanced if utc_now() - advanced > timedelta(seconds=STANDS_SECONDS) else None


def build(settings: CollectorSettings) -> tuple[Runtime, Collector]:
    """Build the service for the running event loop."""
    runtime = Runtime("collector", settings, os.environ)
    return runtime, Collector(runtime, settings)
