"""What did the bus tell that the page shows? Prices, ends of jobs, and that a signal was made."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from common.bus.decoder import read_event
from common.clock import utc_now
from common.events import JobFinished, SignalGenerated, TickerUpdated
from health.api.job_window import JobWindow

# A setting may name 250 markets, and have named others before.
MOST_MARKETS = 1000


class Heard:
    """Remembers the newest ticker of each market and the runs of a day.

    Attributes:
        on_signal: Called when a signal was made; set by whoever shows signals.
    """

    def __init__(self) -> None:
        self.tickers: dict[str, TickerUpdated] = {}
        self.jobs = JobWindow(began_at=utc_now())
        self.on_signal: Callable[[], None] = lambda: None

    def subjects(self) -> Mapping[str, Callable[[bytes], None]]:
        """Return what is to be heard besides heartbeats: who hears it, by subject."""
        return {
            SignalGenerated.subject.format(market="*"): self._on_signal,
            JobFinished.subject.format(service="*", job_name="*"): self._on_job,
        }

    def ticker(self, ticker: TickerUpdated) -> None:
        """Take note of a price."""
        known = self.tickers.get(ticker.market)
        if known is None and len(self.tickers) >= MOST_MARKETS:
            self.tickers.clear()
        if known is None or ticker.exchange_time >= known.exchange_time:
            self.tickers[ticker.market] = ticker

    def _on_signal(self, body: bytes) -> None:
        read_event(body, SignalGenerated)
        self.on_signal()

    def _on_job(self, body: bytes) -> None:
        self.jobs.add(read_event(body, JobFinished))
