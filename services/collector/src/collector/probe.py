"""Probe of Upbit, in the background: it answers a ping, and our calls and the WebSocket come through."""

from __future__ import annotations

import asyncio

import structlog

from collector.live_markets import LiveMarkets
from collector.upbit.client import UpbitClient
from common.clock import ExchangeClock
from common.errors import ServiceError
from common.events import ComponentState
from common.tasks import Background
from common.telemetry.names import LogEvent

# With the 2 s a ping may take and the 5 s an answer of health is kept, trouble shows within 10 s.
PROBE_SECONDS = 3.0
# A hole of a day is closed within 5 s of Upbit's first answer, so that is not waited for.
FAILING_SECONDS = 1.0
COMPONENT = "upbit_api"
# `Date` has whole seconds, and is on its way for a moment.
CLOCKS_DIFFER_SECONDS = 2.0


class UpbitProbe(Background):
    """Pings every 3 s, every second while that fails.

    The ping also gives the exchange's time while the WebSocket is silent, and so what is due.

    Attributes:
        market: Whose ticker is the ping.
    """

    def __init__(self, upbit: UpbitClient, live: LiveMarkets, clock: ExchangeClock) -> None:
        super().__init__("upbit_probe", self._probe)
        self._upbit = upbit
        self._live = live
        self._clock = clock
        self._clocks_differ = False
        self._latency_ms: float | None = None
        self._error: str | None = "not asked yet"
        self._log = structlog.get_logger("collector.probe")
        self.market = ""

    @property
    def state(self) -> ComponentState:
        """Return the component as of the newest ping and call, and of a block of this address."""
        if left := self._upbit.limiter.block.seconds_left:
            message = f"limited: Upbit has blocked this address for another {left:.0f} s"
            return ComponentState(name=COMPONENT, status="warning", message=message)
        if self._error:
            return ComponentState(name=COMPONENT, status="unhealthy", message=f"ping fails: {self._error}")
        problem = self._upbit.problem
        if not problem and (stream_problem := self._live.stream.problem):
            problem = f"WebSocket: {stream_problem}"
        return ComponentState(
            name=COMPONENT,
            status="warning" if problem else "healthy",
            latency_ms=self._latency_ms,
            message=problem,
        )

    def _compare_clocks(self) -> None:
        """Warn once when this machine's clock and Upbit's are apart; a recording's time is another one."""
        ahead = self._clock.ahead_of_us
        if ahead is None or not self._clock.is_steady:
            return
        differ = abs(ahead.total_seconds()) > CLOCKS_DIFFER_SECONDS
        if differ and not self._clocks_differ:
            self._log.warning(LogEvent.CLOCKS_DIFFER, exchange_ahead_seconds=round(ahead.total_seconds(), 1))
        self._clocks_differ = differ

    async def _probe(self) -> None:
        while True:
            try:
                self._latency_ms = round(await self._upbit.ping(self.market), 1)
            except ServiceError as error:
                if not self._error:
                    self._log.warning(LogEvent.PROBE_FAILED, probe="upbit", error=str(error))
                self._error = str(error)
            except Exception:
                self._error = "the probe itself failed"
                raise
            else:
                if self._error:
                    self._log.info(LogEvent.PROBE_RECOVERED, probe="upbit")
                self._error = None
                self._compare_clocks()
                # The WebSocket, which does it otherwise, may take some seconds more to be back.
                self._live.collect_due()
            await asyncio.sleep(FAILING_SECONDS if self._error else PROBE_SECONDS)
