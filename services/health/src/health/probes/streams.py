"""Stream probe: how full the streams are and whether JetStream answers, kept in memory."""

from __future__ import annotations

import asyncio
import time

import structlog
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy
from nats.js.errors import NotFoundError

from common.bus.broker import Bus
from common.streams import STREAMS
from common.tasks import Background
from common.telemetry.names import LogEvent
from health.domain import StreamFill, StreamReading

# Two looks that fail and the 5 s an answer is kept are less than 10 s.
PROBE_SECONDS = 1.5
LIMIT_SECONDS = 0.8
# A cluster that chooses its leader does not answer for a moment.
FAILURES_SHOWN = 2


class StreamProbe(Background):
    """Keeps `reading` true."""

    def __init__(self, bus: Bus) -> None:
        super().__init__("stream_probe", self._probe)
        self._bus = bus
        self._failures = 0
        self._log = structlog.get_logger("health.probes.streams")
        self.reading = StreamReading()

    async def _probe(self) -> None:
        while True:
            if self._bus.is_connected:
                await self._look()
            else:
                self._failures, self.reading = 0, StreamReading()
            await asyncio.sleep(PROBE_SECONDS)

    async def _look(self) -> None:
        began = time.monotonic()
        jetstream = self._bus.client.jetstream(timeout=LIMIT_SECONDS)
        try:
            fills = await asyncio.gather(*(_fill(jetstream, str(stream.name)) for stream in STREAMS))
        except (NatsError, OSError, TimeoutError) as error:
            self._failed(f"{type(error).__name__} after {time.monotonic() - began:.1f} s")
        else:
            self._failures, self.reading = 0, StreamReading(fills=tuple(fills))

    def _failed(self, reason: str) -> None:
        self._failures += 1
        if self._failures == FAILURES_SHOWN:
            self._log.warning(LogEvent.PROBE_FAILED, probe="streams", error=reason)
        if self._failures >= FAILURES_SHOWN:
            self.reading = StreamReading(error=f"JetStream does not answer: {reason}")


async def _fill(jetstream: JetStreamContext, name: str) -> StreamFill:
    """Return how full a stream is; one that lets go of its oldest is never full."""
    try:
        info = await jetstream.stream_info(name)
    except NotFoundError:
        return StreamFill(name, is_missing=True)
    config, state = info.config, info.state
    limits = ((state.bytes, config.max_bytes), (state.messages, config.max_msgs))
    ratio = max((used / most for used, most in limits if most and most > 0), default=0.0)
    return StreamFill(
        name,
        ratio=ratio if config.discard == DiscardPolicy.NEW else 0.0,
        messages=state.messages,
        size_bytes=state.bytes,
        last_sequence=state.last_seq,
    )
