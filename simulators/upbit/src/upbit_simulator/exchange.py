"""The running exchange: everything a route needs, in one place."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from simulator_control import RequestStats
from upbit_simulator.faults.kinds import UpbitFaults
from upbit_simulator.market.clock import ExchangeClock
from upbit_simulator.market.listings import Listing
from upbit_simulator.market.source import MarketSource
from upbit_simulator.market.view import MarketView
from upbit_simulator.rate_limits import RateLimits
from upbit_simulator.recorded.recording import Recording


@dataclass
class Exchange:
    """A market, its clock, and how it misbehaves; `recording` only in a replay.

    `idle_seconds` is how long a WebSocket connection may be without data, `status_seconds` how often the
    status is sent to one that has sent the text PING. Requests are counted by `wall`, in seconds."""

    source: MarketSource
    clock: ExchangeClock
    recording: Recording | None = None
    idle_seconds: float = 120.0
    status_seconds: float = 10.0
    wall: Callable[[], float] = time.time
    limits: RateLimits = field(default_factory=RateLimits)
    stats: RequestStats = field(default_factory=RequestStats)
    faults: UpbitFaults = field(init=False)
    view: MarketView = field(init=False)

    def __post_init__(self) -> None:
        self.faults = UpbitFaults(self.limits)
        self.view = MarketView(self.source)

    def listing(self, code: str) -> Listing | None:
        """Return a market by its code."""
        return next((listing for listing in self.source.listings if listing.code == code), None)

    def now_ms(self, code: str) -> int:
        """Return the time as of which this market's candles are shown; it stops at the recording's end.

        Minutes after that end are unknown; shown at a later time they would count as empty.
        """
        now = self.clock.now_ms()
        return now if self.recording is None else min(now, self.recording.by_market[code].end_ms)

    @property
    def codes(self) -> list[str]:
        """All market codes."""
        return [listing.code for listing in self.source.listings]


EXCHANGE = web.AppKey("exchange", Exchange)
# The market whose candles a request asks for.
CANDLES_OF = web.RequestKey("candles_of", str)
