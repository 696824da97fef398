"""Live data: the newest price of each market and the job runs of a day, as events bring them."""

from __future__ import annotations

from common.clock import utc_now
from common.events import TickerUpdated
from health.api.jobs import JobWindow

# A setting may name 250 markets, and have named others before.
MOST_MARKETS = 1000


class LiveData:
    """Keeps the newest ticker of each market and the runs of a day."""

    def __init__(self) -> None:
        self.tickers: dict[str, TickerUpdated] = {}
        self.jobs = JobWindow(began_at=utc_now())

    def on_ticker_updated(self, ticker: TickerUpdated) -> None:
        """Keep a price, unless a newer one is known."""
        known = self.tickers.get(ticker.market)
        if known is None and len(self.tickers) >= MOST_MARKETS:
            self.tickers.clear()
        if known is None or ticker.exchange_time >= known.exchange_time:
            self.tickers[ticker.market] = ticker
