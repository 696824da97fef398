"""Probe of Gemini, in the background: it is reachable, and the key may list its models."""

from __future__ import annotations

import asyncio
import time

import structlog

from common.events import INTERRUPTION_SHOWN_SECONDS
from common.tasks import Background
from common.telemetry.names import LogEvent
from signaler.domain.gemini.errors import GeminiError
from signaler.domain.gemini.status import COMPONENT, GeminiStatus
from signaler.gemini import Gemini

PROBE_SECONDS = 5.0
LIST_EVERY_SECONDS = 60.0
# A process that is killed may lose its connections before the port it listens on.
DYING_SECONDS = 0.2


class GeminiProbe(Background):
    """Lists the models every minute, every 5 s while that fails.

    Every 5 s it checks that the host takes a connection, and at once when the host drops one; that it went
    away stays visible for 6 s. Where it never takes one, behind a proxy, the list alone counts.
    """

    def __init__(self, gemini: Gemini, status: GeminiStatus) -> None:
        super().__init__("gemini_probe", self._probe)
        self._gemini = gemini
        self._status = status
        self._log = structlog.get_logger("signaler.probe")

    async def _probe(self) -> None:
        was_reachable, dropped = False, False
        next_list = time.monotonic()
        while True:
            reachable = await self._gemini.is_reachable()
            if was_reachable and not reachable:
                self._record_failure("the host takes no connection")
                was_reachable, dropped = False, False
                await asyncio.sleep(INTERRUPTION_SHOWN_SECONDS)
                continue
            if self._status.list_error or time.monotonic() >= next_list:
                await self._list_models()
                next_list = time.monotonic() + LIST_EVERY_SECONDS
            was_reachable = reachable
            # A host that drops every silent connection is probed no more often for it.
            if reachable and not dropped:
                dropped = await self._gemini.drops_connection(within_seconds=PROBE_SECONDS)
                if dropped:
                    await asyncio.sleep(DYING_SECONDS)
            else:
                dropped = False
                await asyncio.sleep(PROBE_SECONDS)

    async def _list_models(self) -> None:
        started = time.monotonic()
        try:
            await self._gemini.list_models()
        except GeminiError as error:
            self._record_failure(str(error))
            return
        if self._status.list_error:
            self._log.info(LogEvent.PROBE_RECOVERED, component=COMPONENT)
        self._status.list_error = None
        self._status.list_ms = round((time.monotonic() - started) * 1000, 1)

    def _record_failure(self, error: str) -> None:
        if not self._status.list_error:
            self._log.warning(LogEvent.PROBE_FAILED, component=COMPONENT, error=error)
        self._status.list_error = error
