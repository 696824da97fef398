"""The smallest service there is: one job, one consumer, and the faults that its variables switch on."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress

from pydantic import Field

from common.bus.delivery import Delivery
from common.events import CandlesClosed, ComponentState
from common.jobs.tracking import JobRun
from common.runtime.main import main
from common.runtime.runtime import Runtime
from common.settings import ServiceSettings
from common.streams import STORE_CANDLES

MORE_THAN_THERE_IS = 1 << 60


class MinimalSettings(ServiceSettings):
    """Variables of its own."""

    hangs: bool = Field(default=False, alias="HANGS")
    exhausts_memory: bool = Field(default=False, alias="EXHAUSTS_MEMORY")
    never_stops: bool = Field(default=False, alias="NEVER_STOPS")


class Minimal:
    """Goes by the name of the collector, for its share and its rights."""

    def __init__(self, runtime: Runtime, settings: MinimalSettings) -> None:
        self._runtime = runtime
        self._hangs = settings.hangs
        self._exhausts_memory = settings.exhausts_memory
        self._never_stops = settings.never_stops
        runtime.bus.consume(STORE_CANDLES, CandlesClosed, self._on_page)

    async def start(self) -> None:
        """Have the job run every second."""
        self._runtime.scheduler.add("data_collection", every_seconds=1, body=self._run)

    async def stop(self) -> None:
        """Nothing was taken that is not given back by the runtime; waits on although it is cancelled."""
        while self._never_stops:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    def components(self) -> tuple[ComponentState, ...]:
        """Return one component."""
        return (ComponentState(name="upbit_api", status="healthy"),)

    async def _on_page(self, _: CandlesClosed, __: Delivery) -> None:
        if self._exhausts_memory:
            bytearray(MORE_THAN_THERE_IS)
        if self._hangs:
            await asyncio.Event().wait()

    async def _run(self, _: JobRun) -> None:
        if self._hangs:
            await asyncio.Event().wait()


def build(settings: MinimalSettings) -> tuple[Runtime, Minimal]:
    """Build it for the running event loop."""
    runtime = Runtime("collector", settings, os.environ)
    return runtime, Minimal(runtime, settings)


if __name__ == "__main__":
    main("collector", MinimalSettings, build)
