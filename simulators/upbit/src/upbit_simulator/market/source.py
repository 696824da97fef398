"""Market source: what a market, seeded or recorded, answers."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from upbit_simulator.market.candles import Candle, Trade
from upbit_simulator.market.listings import Listing


class MarketSource(Protocol):
    """Trades and finished candles by Unix minute. It knows no clock: the future is answered too."""

    @property
    def listings(self) -> tuple[Listing, ...]:
        """The markets."""

    def span(self, code: str) -> tuple[int, int]:
        """Return the first Unix minute of the market and the one after its last."""

    def candles(self, code: str, first: int, end: int, size: int) -> list[Candle]:
        """Return candles of `size` minutes (a divisor of 1440) over the minutes [first, end), oldest first.

        Candles stand on the Unix grid; one at an edge holds only the minutes inside. Minutes without a
        trade have none.
        """

    def trades(self, code: str, minute: int) -> Sequence[Trade]:
        """Return the trades of one minute, oldest first."""

    def extremes(self, code: str, first_day: int, end_day: int) -> Sequence[tuple[int, Decimal, Decimal]]:
        """Return (Unix day, high, low) of the days [first, end) that have a trade, oldest first."""
