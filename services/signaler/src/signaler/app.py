"""Composition root of the signaler."""

from __future__ import annotations

import asyncio
import os
from datetime import datetime

from common.clock import MINUTE
from common.config.keys import MARKETS, SIGNAL_INTERVAL_MINUTES
from common.errors import ServiceError
from common.events import CandlesClosed, ComponentState
from common.runtime.runtime import Runtime
from common.streams import DECIDE_ON_CANDLES
from common.tasks import cancel_tasks
from common.telemetry.names import LogEvent
from signaler.decider import Decider
from signaler.domain.gemini.status import GeminiStatus
from signaler.domain.market.intervals import newest_end_until
from signaler.gemini import Gemini
from signaler.handlers import CandleHandlers
from signaler.outbox import SignalOutbox
from signaler.probe import GeminiProbe
from signaler.repository import SignalRepository
from signaler.settings import SignalerSettings
from signaler.signal_generation import JOB, SignalGeneration
from signaler.usage_repository import UsageRepository

# So that a market whose Gemini call is slow does not hold the others up.
PAGES_AT_ONCE = 4


class Signaler:
    """The service as the runtime runs it."""

    def __init__(self, runtime: Runtime, settings: SignalerSettings) -> None:
        key = settings.gemini_api_key
        self._runtime = runtime
        self._gemini = Gemini(api_key=key, base_url=settings.google_gemini_base_url) if key else None
        self._status = GeminiStatus(has_key=key is not None)
        self._probe = GeminiProbe(self._gemini, self._status) if self._gemini else None
        repository = SignalRepository(runtime.database)
        self._outbox = SignalOutbox(repository, runtime.bus.publish)
        decider = Decider(self._gemini, UsageRepository(runtime.database), runtime.config, self._status)
        signals = SignalGeneration(
            repository=repository,
            decider=decider,
            config=runtime.config,
            outbox=self._outbox,
            owner=runtime.job_owner,
            job_states=runtime.job_states,
        )
        self._handlers = CandleHandlers(repository, self._outbox, signals, runtime.config)
        self._interval_minutes = SIGNAL_INTERVAL_MINUTES.default
        self._first_decisions: asyncio.Task[None] | None = None
        runtime.bus.consume(
            DECIDE_ON_CANDLES, CandlesClosed, self._handlers.on_candles_closed, at_once=PAGES_AT_ONCE
        )
        runtime.config_watch.listen(self._read_interval)

    async def start(self) -> None:
        """Begin to probe and to publish, and decide the newest interval that was left undecided."""
        await self._read_interval()
        if self._probe:
            self._probe.start()
        self._first_decisions = asyncio.create_task(self._decide_newest_intervals())
        self._outbox.start()

    async def stop(self) -> None:
        """Hand back what is in flight and close the Gemini client."""
        self._handlers.stop()
        await asyncio.gather(cancel_tasks([self._first_decisions]), self._outbox.stop())
        if self._probe and self._gemini:
            await self._probe.stop()
            await self._gemini.close()

    def components(self) -> tuple[ComponentState, ...]:
        """Return `gemini_api` as this instance sees it."""
        return (self._status.component(),)

    async def _decide_newest_intervals(self) -> None:
        try:
            await self._handlers.decide_newest_intervals(await self._runtime.config.get(MARKETS))
        except ServiceError as error:
            # The pages that come now are decided on all the same.
            self._runtime.log.warning(LogEvent.DEPENDENCY_WAITING, error=str(error))

    async def _read_interval(self) -> None:
        self._interval_minutes = await self._runtime.config.get(SIGNAL_INTERVAL_MINUTES)
        self._runtime.job_states.register(JOB, self._interval_minutes * 60, next_run=self._next_run)

    def _next_run(self) -> datetime | None:
        seen = self._handlers.exchange_time
        step = self._interval_minutes
        return newest_end_until(seen, step) + step * MINUTE if seen else None


def build(settings: SignalerSettings) -> tuple[Runtime, Signaler]:
    """Return the runtime and the service on it, unstarted; must be called inside the event loop."""
    runtime = Runtime("signaler", settings, os.environ)
    return runtime, Signaler(runtime, settings)
