"""How do others know that this instance lives, and how it is?

Heartbeats, and answers to health.check; for who looks from the same machine, a file that is touched.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from common.bus.broker import Bus
from common.clock import utc_now
from common.errors import ServiceError
from common.events import ComponentReport, ServiceHeartbeat
from common.tasks import cancel_tasks, run_forever

HEARTBEAT_SECONDS = 5.0
GOODBYE_SECONDS = 0.5


class Heartbeat:
    """One instance's voice.

    Args:
        figures: Gives what else an `InstanceState` says, as of the moment; it must not wait for anything.
        beat_file: Touched with every heartbeat, in memory (tmpfs); None touches nothing.
    """

    def __init__(
        self,
        bus: Bus,
        *,
        service: str,
        instance: str,
        version: str,
        figures: Callable[[], Mapping[str, object]],
        beat_file: Path | None = None,
    ) -> None:
        self._bus = bus
        self._identity = {"service": service, "instance": instance, "version": version}
        self._started_at = utc_now()
        self._started = time.monotonic()
        self._figures = figures
        self._beat_file = beat_file
        self._beating: asyncio.Task[None] | None = None
        bus.answer_health_check(lambda: ComponentReport.model_validate(self._state()))

    def start(self) -> None:
        """Say hello, and go on every 5 s."""
        self._beating = asyncio.create_task(run_forever("presence", self._beat))

    async def stop(self) -> None:
        """Say goodbye."""
        await cancel_tasks([self._beating])
        with contextlib.suppress(TimeoutError, ServiceError):
            await asyncio.wait_for(self._send(goodbye=True), GOODBYE_SECONDS)

    async def _beat(self) -> None:
        while True:
            # A heartbeat that is not heard is what health watches for; the next one comes anyway.
            with contextlib.suppress(ServiceError):
                await self._send(goodbye=False)
            # Also while the bus is away: a new process would not bring it back.
            if self._beat_file:
                self._beat_file.touch()
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _send(self, *, goodbye: bool) -> None:
        await self._bus.publish(ServiceHeartbeat.model_validate({**self._state(), "goodbye": goodbye}))

    def _state(self) -> dict[str, Any]:
        return {
            **self._identity,
            "started_at": self._started_at,
            "uptime_s": round(time.monotonic() - self._started, 1),
            "sent_at": utc_now(),
            **self._figures(),
        }
