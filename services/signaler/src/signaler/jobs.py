"""What does the signaler do without being told? Look whether Gemini is there, in the background.

`signal_generation` is no scheduled job: pages of candles open it (`handlers.py`).
"""

from __future__ import annotations

import asyncio
import time

import structlog

from common.telemetry.names import LogEvent
from signaler.domain.errors import GeminiError
from signaler.domain.gemini_state import COMPONENT, GeminiState
from signaler.gemini import Gemini

LOOK_SECONDS = 5.0
LIST_EVERY_SECONDS = 60.0


async def probe_gemini(gemini: Gemini, state: GeminiState) -> None:
    """List the models for ever: every minute, every 5 s while that fails, at once when the host goes away.

    Whether the host takes a connection is looked at every 5 s, and at once when it drops one: it may be back
    before the next look. Where it never takes one, behind a proxy, the list alone counts.
    """
    was_reachable, dropped = True, False
    next_list = time.monotonic()
    while True:
        reachable = await gemini.is_reachable()
        if state.list_error or time.monotonic() >= next_list or (was_reachable and not reachable):
            await _list_models(gemini, state)
            next_list = time.monotonic() + LIST_EVERY_SECONDS
        was_reachable = reachable
        # A host that drops whoever says nothing is looked at no more often for it.
        if reachable and not dropped:
            dropped = await gemini.drops_connection(within_seconds=LOOK_SECONDS)
        else:
            dropped = False
            await asyncio.sleep(LOOK_SECONDS)


async def _list_models(gemini: Gemini, state: GeminiState) -> None:
    log = structlog.get_logger("signaler.jobs")
    started = time.monotonic()
    failed_before = state.list_error
    try:
        await gemini.list_models()
    except GeminiError as error:
        state.list_error = str(error)
        if not failed_before:
            log.warning(LogEvent.PROBE_FAILED, component=COMPONENT, error=str(error))
    else:
        state.list_error = None
        state.list_ms = round((time.monotonic() - started) * 1000, 1)
        if failed_before:
            log.info(LogEvent.PROBE_RECOVERED, component=COMPONENT)
