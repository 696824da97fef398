"""What does the collector do on a schedule? Each job reads: fetch, decide, store or publish."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from collector.collect import CandleCollector
from collector.domain import page_ranges
from collector.gaps import missing_ranges
from collector.repository import CandleRepository
from common.bus import Bus
from common.clock import ExchangeClock, closed_until
from common.config_keys import MARKETS, RETENTION_DAYS
from common.config_store import ConfigRepository
from common.streams import STORE_CANDLES
from common.telemetry.jobs import JobRun

GAP_REPAIR_SECONDS = 60.0
RETENTION_SECONDS = 3600.0
# Upbit has been seen to deliver a minute up to three minutes late.
LATE_DELIVERY = timedelta(minutes=10)
CAUGHT_UP_TRIES = 10


class CollectorJobs:
    """`data_collection`, `gap_repair` and `retention`."""

    def __init__(
        self,
        *,
        collector: CandleCollector,
        repository: CandleRepository,
        bus: Bus,
        config: ConfigRepository,
        clock: ExchangeClock,
    ) -> None:
        self._collector = collector
        self._repository = repository
        self._bus = bus
        self._config = config
        self._clock = clock
        self._looked_until: dict[str, datetime] = {}

    async def collect_candles(self, _: JobRun) -> None:
        """Collect every market; one that fails does not keep the others from being collected."""
        markets = await self._config.get(MARKETS)
        results = await asyncio.gather(
            *(self._collector.collect(market) for market in markets), return_exceptions=True
        )
        for error in results:
            if isinstance(error, BaseException):
                raise error

    async def repair_gaps(self, run: JobRun) -> None:
        """Fetch again whatever is missing behind the first candle, and what was empty a moment ago."""
        if not await self._store_has_caught_up():
            run.skip("stale_data")
            return
        for market in await self._config.get(MARKETS):
            await self._repair(market, run.run_id)

    async def _repair(self, market: str, run_id: str) -> None:
        missing = await self._missing(market)
        for from_time, to_time in missing:
            await self._repository.mark_open(market, from_time, to_time)
        closed = closed_until(self._clock.now) if self._clock.now else None
        empty = await self._recently_empty(market, closed) if closed else []
        for from_time, to_time in [*missing, *empty]:
            await self._fetch_again(market, from_time, to_time, run_id)
        if closed:
            self._looked_until[market] = closed

    async def delete_old_candles(self, _: JobRun) -> None:
        """Delete what is `retention_days` older than the newest stored candle.

        Not than the clock: one wrong time from the exchange would delete everything.
        """
        if newest := await self._repository.newest_candle():
            days = await self._config.get(RETENTION_DAYS)
            await self._repository.delete_older_than(newest - timedelta(days=days))

    async def _missing(self, market: str) -> list[tuple[datetime, datetime]]:
        begins = await self._repository.history_begins(market)
        end = await self._repository.covered_until(market)
        if begins is None or end is None:
            return []
        covered = await self._repository.covered_ranges(market, begins, end)
        return missing_ranges(covered, start=begins, end=end)

    async def _recently_empty(self, market: str, closed: datetime) -> list[tuple[datetime, datetime]]:
        """Return what was empty since a little before the last repair that ran to its end.

        Where this process has run none, that is what was empty before and since it began; what it fetched in
        between was old enough.
        """
        looked = self._looked_until.get(market)
        began = self._collector.beginning(market)
        if looked or not began:
            since = min(looked or closed, closed) - LATE_DELIVERY
            return await self._repository.recently_empty(market, since)
        before, since = began.covered_until, max(began.closed_until - LATE_DELIVERY, began.covered_until)
        return [
            *await self._repository.recently_empty(market, before - LATE_DELIVERY, until=before),
            *await self._repository.recently_empty(market, since),
        ]

    async def _fetch_again(self, market: str, from_time: datetime, to_time: datetime, run_id: str) -> None:
        for covers_from, covers_to in page_ranges(from_time, to_time):
            await self._collector.publish_page(market, covers_from, covers_to, repair_run_id=run_id)

    async def _store_has_caught_up(self) -> bool:
        """Tell whether no page waits to be stored: a minute on its way is not missing."""
        for _ in range(CAUGHT_UP_TRIES):
            info = await self._bus.jetstream.consumer_info(STORE_CANDLES.stream, STORE_CANDLES.name)
            if not info.num_pending and not info.num_ack_pending:
                return True
            await asyncio.sleep(0.5)
        return False
