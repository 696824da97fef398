"""Collector of candles: each closed minute goes onto the bus once, from where the last run stopped."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import datetime, timedelta

from opentelemetry.context import Context

from collector.domain import first_minute_to_collect, page_ranges
from collector.repository import CandleRepository
from collector.upbit.client import UpbitClient
from common.bus.broker import Bus
from common.clock import ExchangeClock, closed_until
from common.config.keys import BACKFILL_DAYS
from common.config.repository import ConfigRepository
from common.events import CandlesClosed
from common.telemetry.names import SpanName
from common.telemetry.spans import span

# The probe asks every three seconds, the WebSocket sends more often.
SILENT_SECONDS = 10.0
SPAN = SpanName.COLLECT.format(destination=CandlesClosed.subject)


class CandleCollector:
    """Publishes every minute of every market once it is closed, oldest first, in pages.

    Where it stands is known from the tables at the start and from what was published since; a page that
    could not be fetched or published is simply the next one to be tried.
    """

    def __init__(
        self,
        *,
        upbit: UpbitClient,
        repository: CandleRepository,
        bus: Bus,
        config: ConfigRepository,
        clock: ExchangeClock,
    ) -> None:
        self._upbit = upbit
        self._repository = repository
        self._bus = bus
        self._config = config
        self._clock = clock
        self._published_until: dict[str, datetime] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def is_due(self, market: str) -> bool:
        """Return whether a closed minute of this market is not published yet, as far as the clock knows."""
        now = self._clock.now
        done = self._published_until.get(market)
        return now is not None and (done is None or done < closed_until(now))

    async def collect(self, market: str) -> bool:
        """Publish what is closed and not yet published.

        Returns:
            False when Upbit's own time had not come as far as the clock says, so that something is still due.

        Raises:
            TransientError, PermanentError: As the first call that failed; what was published stays.
        """
        async with self._locks[market]:
            if self._clock.silent_seconds > SILENT_SECONDS:
                # Not "nothing is due": while the exchange is silent, that is unknown.
                await self._upbit.sync_clock(market)
            start = await self._next_minute(market)
            now = self._clock.now
            assert now is not None  # noqa: S101  the next minute is known, so the time is
            for covers_from, covers_to in page_ranges(start, closed_until(now)):
                page = await self.publish_page(market, covers_from, covers_to)
                if page is None:
                    return False
                self._published_until[market] = page.covers_to
            return True

    async def publish_page(
        self, market: str, covers_from: datetime, covers_to: datetime, *, repair_run_id: str | None = None
    ) -> CandlesClosed | None:
        """Fetch one page and publish it, in a trace of its own; None when nothing in it is closed yet."""
        with span(SPAN, parent=Context()):
            page = await self._upbit.fetch_page(market, covers_from, covers_to, repair_run_id=repair_run_id)
            if page:
                await self._bus.publish(page)
            return page

    async def publish_corrections(
        self, market: str, covers_from: datetime, covers_to: datetime, *, repair_run_id: str
    ) -> None:
        """Fetch one page again and publish it where Upbit says something else now than what is stored."""
        with span(SPAN, parent=Context()):
            page = await self._upbit.fetch_page(market, covers_from, covers_to, repair_run_id=repair_run_id)
            if page and await self._repository.differs(page):
                await self._bus.publish(page)

    async def _next_minute(self, market: str) -> datetime:
        if known := self._published_until.get(market):
            return known
        now = self._clock.now
        assert now is not None  # noqa: S101  an exchange that is silent has been asked
        days = await self._config.get(BACKFILL_DAYS)
        covered = await self._repository.covered_until(market)
        start = first_minute_to_collect(covered, exchange_time=now, backfill=timedelta(days=days))
        self._published_until[market] = start
        return start
