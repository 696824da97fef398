"""What does the signaler do without being told? Look whether Gemini is there, and tell what was not told.

`signal_generation` is no scheduled job: pages of candles open it (`handlers.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import time

import structlog

from common.errors import ServiceError
from common.events import INTERRUPTION_SHOWN_SECONDS
from common.telemetry.names import LogEvent
from signaler.domain.gemini.errors import GeminiError
from signaler.domain.gemini.status import COMPONENT, GeminiState
from signaler.gemini import Gemini
from signaler.signal_generation import SignalGeneration

TELL_SECONDS = 2.0
LOOK_SECONDS = 5.0
LIST_EVERY_SECONDS = 60.0
# A process that is killed may lose its connections before the port it listens on.
DYING_SECONDS = 0.2


async def tell_untold_signals(signals: SignalGeneration) -> None:
    """Publish every stored signal that a dead process left unpublished, for ever; within some seconds."""
    while True:
        # With PostgreSQL or the bus away there is the next look.
        with contextlib.suppress(ServiceError):
            await signals.tell_untold()
        await asyncio.sleep(TELL_SECONDS)


async def probe_gemini(gemini: Gemini, state: GeminiState) -> None:
    """List the models for ever: every minute, every 5 s while that fails.

    Whether the host takes a connection is looked at every 5 s, and at once when it drops one; that it went
    away stays visible for 6 s. Where it never takes one, behind a proxy, the list alone counts.
    """
    was_reachable, dropped = False, False
    next_list = time.monotonic()
    while True:
        reachable = await gemini.is_reachable()
        if was_reachable and not reachable:
            _note_failure(state, "the host takes no connection")
            was_reachable, dropped = False, False
            await asyncio.sleep(INTERRUPTION_SHOWN_SECONDS)
            continue
        if state.list_error or time.monotonic() >= next_list:
            await _list_models(gemini, state)
            next_list = time.monotonic() + LIST_EVERY_SECONDS
        was_reachable = reachable
        # A host that drops whoever says nothing is looked at no more often for it.
        if reachable and not dropped:
            dropped = await gemini.drops_connection(within_seconds=LOOK_SECONDS)
            if dropped:
                await asyncio.sleep(DYING_SECONDS)
        else:
            dropped = False
            await asyncio.sleep(LOOK_SECONDS)


async def _list_models(gemini: Gemini, state: GeminiState) -> None:
    started = time.monotonic()
    failed_before = state.list_error
    try:
        await gemini.list_models()
    except GeminiError as error:
        _note_failure(state, str(error))
    else:
        state.list_error = None
        state.list_ms = round((time.monotonic() - started) * 1000, 1)
        if failed_before:
            structlog.get_logger("signaler.jobs").info(LogEvent.PROBE_RECOVERED, component=COMPONENT)


def _note_failure(state: GeminiState, error: str) -> None:
    if not state.list_error:
        structlog.get_logger("signaler.jobs").warning(LogEvent.PROBE_FAILED, component=COMPONENT, error=error)
    state.list_error = error
