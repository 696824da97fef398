"""Scheduled jobs of the collector: `data_collection`, `gap_repair` and `retention`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from collector.candle_collector import CandleCollector
from collector.domain import page_ranges
from collector.gaps import missing_ranges
from collector.repository import CandleRepository
from common.bus.broker import Bus
from common.clock import ExchangeClock, closed_until
from common.config.keys import MARKETS, RETENTION_DAYS
from common.config.repository import ConfigRepository
from common.jobs.tracking import JobRun
from common.streams import STORE_CANDLES

GAP_REPAIR_SECONDS = 60.0
RETENTION_SECONDS = 3600.0
# Upbit has been seen to deliver a minute up to three minutes late, and to correct one.
LATE_DELIVERY = timedelta(minutes=10)
# Of a market that no repair has looked at yet: the collector may have died before each of them.
FIRST_LOOK = timedelta(days=1)
UP_TO_DATE_TRIES = 10


@dataclass(frozen=True, kw_only=True)
class CollectorJobs:
    """The bodies of the jobs, run by the scheduler."""

    collector: CandleCollector
    repository: CandleRepository
    bus: Bus
    config: ConfigRepository
    clock: ExchangeClock

    async def collect_candles(self, _: JobRun) -> None:
        """Collect every market; one that fails does not keep the others from being collected."""
        markets = await self.config.get(MARKETS)
        results = await asyncio.gather(
            *(self.collector.collect(market) for market in markets), return_exceptions=True
        )
        for error in results:
            if isinstance(error, BaseException):
                raise error

    async def repair_gaps(self, run: JobRun) -> None:
        """Fetch again what is missing after the first candle, and what Upbit may have corrected."""
        if not await self._is_store_up_to_date():
            run.skip("stale_data")
            return
        for market in await self.config.get(MARKETS):
            await self._repair(market, run.run_id)

    async def _repair(self, market: str, run_id: str) -> None:
        missing = await self._missing(market)
        for from_time, to_time in missing:
            await self.repository.record_missing(market, from_time, to_time)
        for from_time, to_time in missing:
            for covers_from, covers_to in page_ranges(from_time, to_time):
                await self.collector.publish_page(market, covers_from, covers_to, repair_run_id=run_id)
        if self.clock.now:
            await self._fetch_again(market, closed_until(self.clock.now), run_id)

    async def _fetch_again(self, market: str, closed: datetime, run_id: str) -> None:
        """Ask again for what was asked for since a little before the last repair that ran to its end.

        What was never asked for is left to the collector, which goes from the oldest to the newest: a newer
        minute that is stored before them would be taken for the place where it goes on after a stop.
        """
        covered = await self.repository.covered_until(market)
        looked_until = await self.repository.looked_until(market)
        since = min(looked_until or closed - FIRST_LOOK, closed) - LATE_DELIVERY
        until = min(covered or since, closed)
        if until <= since:
            return
        for covers_from, covers_to in page_ranges(since, until):
            await self.collector.publish_corrections(market, covers_from, covers_to, repair_run_id=run_id)
        await self.repository.record_looked_until(market, until)

    async def delete_old_candles(self, _: JobRun) -> None:
        """Delete what is `retention_days` older than the newest stored candle.

        Not than the clock: one wrong time from the exchange would delete everything.
        """
        if newest := await self.repository.newest_candle():
            days = await self.config.get(RETENTION_DAYS)
            await self.repository.delete_older_than(newest - timedelta(days=days))

    async def _missing(self, market: str) -> list[tuple[datetime, datetime]]:
        begins = await self.repository.history_begins(market)
        end = await self.repository.covered_until(market)
        if begins is None or end is None:
            return []
        covered = await self.repository.covered_ranges(market, begins, end)
        return missing_ranges(covered, start=begins, end=end)

    async def _is_store_up_to_date(self) -> bool:
        """Return whether every page now in the stream gets stored: a minute on its way is not missing.

        A page that comes after is not waited for: there may always be one.
        """
        newest: int | None = None
        for _ in range(UP_TO_DATE_TRIES):
            info = await self.bus.jetstream.consumer_info(STORE_CANDLES.stream, STORE_CANDLES.name)
            delivered = info.delivered.stream_seq if info.delivered else 0
            newest = delivered + (info.num_pending or 0) if newest is None else newest
            is_idle = not info.num_pending and not info.num_ack_pending
            if is_idle or (info.ack_floor and info.ack_floor.stream_seq >= newest):
                return True
            await asyncio.sleep(0.5)
        return False
