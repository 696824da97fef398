"""Heartbeat of an instance: events, answers to health.check, and a file that is touched.

The file is for a health check on the same machine that cannot ask over HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from common.bus.broker import Bus
from common.errors import ServiceError
from common.events import ComponentReport, ServiceHeartbeat
from common.tasks import Background

HEARTBEAT_SECONDS = 5.0
GOODBYE_SECONDS = 0.5


class Heartbeat(Background):
    """One instance's, every 5 s from `start`, and a last one that says goodbye.

    Args:
        report: Returns how the instance is now; it must not wait for anything.
        beat_file: Touched with every heartbeat, in memory (tmpfs); None touches nothing.
    """

    def __init__(
        self, bus: Bus, *, report: Callable[[], ComponentReport], beat_file: Path | None = None
    ) -> None:
        super().__init__("heartbeat", self._beat)
        self._bus = bus
        self._report = report
        self._beat_file = beat_file
        bus.answer_health_check(report)

    async def stop(self) -> None:
        """Say goodbye."""
        await super().stop()
        with contextlib.suppress(TimeoutError, ServiceError):
            await asyncio.wait_for(self._send(goodbye=True), GOODBYE_SECONDS)

    async def _beat(self) -> None:
        while True:
            # A heartbeat that is not received is what health watches for; the next one comes anyway.
            with contextlib.suppress(ServiceError):
                await self._send(goodbye=False)
            # Also while the bus is away: a new process would not bring it back.
            if self._beat_file:
                self._beat_file.touch()
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _send(self, *, goodbye: bool) -> None:
        state = dict(self._report())
        await self._bus.publish(ServiceHeartbeat.model_validate({**state, "goodbye": goodbye}))
