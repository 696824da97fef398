"""Consumer of closed candles: each interval's end is decided once, or recorded as skipped."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, defaultdict
from datetime import datetime

from common.bus.delivery import Delivery
from common.clock import MINUTE
from common.config.keys import SIGNAL_INTERVAL_MINUTES
from common.config.repository import ConfigRepository
from common.errors import TransientError
from common.events import CandlesClosed
from common.tasks import cancel_tasks
from signaler.domain.market.intervals import (
    ClosedIntervals,
    candle_timestamp_of,
    closed_by,
    is_late,
    newest_end_until,
)
from signaler.domain.market.look_back import judge
from signaler.outbox import SignalOutbox
from signaler.repository import SignalRepository
from signaler.signal_generation import SignalGeneration

HAND_BACK_SECONDS = 1.0
MAX_WAIT_SECONDS = 30.0
REMEMBERED_WAITS = 1000


class CandleHandlers:
    """Decides at each interval's end.

    Nothing is kept but since when a page waits for the store, and one lock a market, so that the same
    interval is not decided twice at the same time by one process.
    """

    def __init__(
        self,
        repository: SignalRepository,
        outbox: SignalOutbox,
        signals: SignalGeneration,
        config: ConfigRepository,
    ) -> None:
        self._repository = repository
        self._outbox = outbox
        self._signals = signals
        self._config = config
        self._markets: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waiting_since: OrderedDict[tuple[str, datetime], float] = OrderedDict()
        self._stopping = asyncio.Event()
        self.exchange_time: datetime | None = None

    async def on_candles_closed(self, page: CandlesClosed, delivery: Delivery) -> None:
        """Decide on the newest interval that the page closes; the older ones are one record, `late`.

        Raises:
            TransientError: The store has not caught up, a server is away, or the service stops: the page
                comes again.
        """
        self.exchange_time = max(self.exchange_time or page.collected_at, page.collected_at)
        interval_minutes = await self._config.get(SIGNAL_INTERVAL_MINUTES)
        closed = closed_by(page.covers_from, page.covers_to, interval_minutes)
        if closed:
            await self._run_until_stopped(page, closed, interval_minutes)

    async def decide_newest_intervals(self, markets: list[str]) -> None:
        """At start: decide the newest closed interval that has no signal, where the store knows enough."""
        interval_minutes = await self._config.get(SIGNAL_INTERVAL_MINUTES)
        for market in markets:
            async with self._markets[market]:
                await self._decide_newest(market, interval_minutes)

    def stop(self) -> None:
        """Hand back every page in flight, also one in a Gemini call, and every page that still comes."""
        self._stopping.set()

    async def _run_until_stopped(
        self, page: CandlesClosed, closed: ClosedIntervals, interval_minutes: int
    ) -> None:
        work = asyncio.create_task(self._handle_interval(page, closed, interval_minutes))
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise TransientError("the service stops", retry_after_seconds=0.1)
            work.result()
        finally:
            await cancel_tasks([work, stopping])

    async def _handle_interval(
        self, page: CandlesClosed, closed: ClosedIntervals, interval_minutes: int
    ) -> None:
        market, end = page.market, closed.newest_end
        async with self._markets[market]:
            stored = await self._repository.stored_signal(market, candle_timestamp_of(end))
            if stored:
                await self._outbox.publish(stored)
            elif page.repair_run_id:
                await self._decide_repaired(page, end, interval_minutes)
            elif is_late(end, page.collected_at, interval_minutes):
                await self._record_late(market, closed, interval_minutes, newest_too=True)
            else:
                await self._decide(page, end, interval_minutes)
                await self._record_late(market, closed, interval_minutes, newest_too=False)

    async def _decide_repaired(self, page: CandlesClosed, end: datetime, interval_minutes: int) -> None:
        """Decide on an interval that a repair asked for again, unless time has gone on.

        What was late was recorded when its own page came; a repair comes once a minute.
        """
        newest = await self._repository.newest_signal_at(page.market)
        passed = newest is not None and newest > candle_timestamp_of(end)
        if not passed and not is_late(end, page.collected_at, interval_minutes):
            await self._decide(page, end, interval_minutes)

    async def _decide(self, page: CandlesClosed, end: datetime, interval_minutes: int) -> None:
        look_back = await self._signals.load_look_back(page.market, end, page)
        waited = self._waited_seconds(page.market, end)
        verdict = judge(look_back, waited_out=waited >= MAX_WAIT_SECONDS)
        if verdict.readiness == "wait":
            raise TransientError(verdict.message, retry_after_seconds=HAND_BACK_SECONDS)
        del self._waiting_since[page.market, end]
        if verdict.readiness == "stale":
            await self._signals.skip("stale_data", message=verdict.message)
        else:
            await self._signals.generate(page.market, look_back, interval_minutes)

    async def _record_late(
        self, market: str, closed: ClosedIntervals, interval_minutes: int, *, newest_too: bool
    ) -> None:
        """Record the intervals that are not decided any more; those with a signal were decided in time."""
        if not closed.older and not newest_too:
            return
        newest = candle_timestamp_of(closed.newest_end)
        oldest = newest - closed.older * interval_minutes * MINUTE
        decided = await self._repository.count_signals(market, oldest, newest)
        if count := closed.older + newest_too - decided:
            message = (
                f"{count} intervals of {market} from {oldest + MINUTE:%Y-%m-%dT%H:%MZ} on ended too long ago"
            )
            await self._signals.skip("late", message=message, count=count)

    async def _decide_newest(self, market: str, interval_minutes: int) -> None:
        newest = await self._repository.newest(market)
        if newest is None:
            return
        end = newest_end_until(newest.covered_until, interval_minutes)
        if is_late(end, newest.collected_at, interval_minutes):
            return
        if await self._repository.stored_signal(market, candle_timestamp_of(end)):
            return
        look_back = await self._signals.load_look_back(market, end, None)
        # What is not stored yet comes as pages, and those are decided on as they come.
        if judge(look_back, waited_out=True).readiness == "ready":
            await self._signals.generate(market, look_back, interval_minutes)

    def _waited_seconds(self, market: str, end: datetime) -> float:
        now = time.monotonic()
        since = self._waiting_since.setdefault((market, end), now)
        while len(self._waiting_since) > REMEMBERED_WAITS:
            self._waiting_since.popitem(last=False)
        return now - since
