"""What is the signaler made of? The composition root, nothing else."""

from __future__ import annotations

import asyncio
import os
from datetime import datetime
from functools import partial

from common.clock import MINUTE
from common.config.keys import MARKETS, SIGNAL_INTERVAL_MINUTES
from common.errors import ServiceError
from common.events import CandlesClosed, ComponentState
from common.runtime.runtime import Runtime
from common.streams import DECIDE_ON_CANDLES
from common.tasks import cancel_tasks, run_forever
from common.telemetry.names import LogEvent
from signaler.decider import Decider
from signaler.domain.gemini_status import GeminiState
from signaler.domain.intervals import newest_end_until
from signaler.gemini import Gemini
from signaler.handlers import CandleHandlers
from signaler.jobs import probe_gemini, tell_untold_signals
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
        self._state = GeminiState(has_key=key is not None)
        repository = SignalRepository(runtime.database)
        decider = Decider(self._gemini, UsageRepository(runtime.database), runtime.config, self._state)
        signals = SignalGeneration(
            repository=repository,
            decider=decider,
            config=runtime.config,
            publish=runtime.bus.publish,
            owner=runtime.job_owner,
            ledger=runtime.job_states,
        )
        self._signals = signals
        self._handlers = CandleHandlers(repository, signals, runtime.config)
        self._interval_minutes = SIGNAL_INTERVAL_MINUTES.default
        self._tasks: set[asyncio.Task[None]] = set()
        runtime.bus.consume(
            DECIDE_ON_CANDLES, CandlesClosed, self._handlers.on_candles_closed, at_once=PAGES_AT_ONCE
        )
        runtime.config_watch.listen(self._read_interval)

    async def start(self) -> None:
        """Begin to probe, and decide the newest interval that was left undecided."""
        await self._read_interval()
        if self._gemini:
            self._tasks.add(asyncio.create_task(probe_gemini(self._gemini, self._state)))
        self._tasks.add(asyncio.create_task(self._decide_newest_intervals()))
        telling = run_forever("tell_untold_signals", partial(tell_untold_signals, self._signals))
        self._tasks.add(asyncio.create_task(telling))

    async def stop(self) -> None:
        """Hand back what is in flight and close the Gemini client."""
        self._handlers.stop()
        await cancel_tasks(self._tasks)
        if self._gemini:
            await self._gemini.close()

    def components(self) -> tuple[ComponentState, ...]:
        """Return `gemini_api` as this instance sees it."""
        return (self._state.component(),)

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


def build_app(settings: SignalerSettings) -> tuple[Runtime, Signaler]:
    """Return the runtime and the service on it, unstarted; must be called inside the event loop."""
    runtime = Runtime("signaler", settings, os.environ)
    return runtime, Signaler(runtime, settings)
