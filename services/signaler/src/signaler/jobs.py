"""What does the signaler do without being told? Look for its model list, in the background.

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

PROBE_SECONDS = 60.0
PROBE_SECONDS_WHILE_FAILING = 5.0


async def probe_gemini(gemini: Gemini, state: GeminiState) -> None:
    """List the models for ever, every minute, every 5 s while that fails; it costs nothing."""
    log = structlog.get_logger("signaler.jobs")
    while True:
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
        await asyncio.sleep(PROBE_SECONDS_WHILE_FAILING if state.list_error else PROBE_SECONDS)
