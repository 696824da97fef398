"""Measurements that no check judges: each market's candles, the day's Gemini use, the disk. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from common.clock import MINUTE

REPLAY = "replay"


@dataclass(frozen=True)
class MarketMeasurements:
    """What is stored of one market.

    Attributes:
        newest: Open time of the newest candle; None without one.
        resolved_until: End of the newest gap that is closed; None without one.
        source: Of the newest candle: `upbit`, `simulator` or `replay`.
        collected_at: Exchange time at which the newest candle was collected.
    """

    market: str
    newest: datetime | None = None
    resolved_until: datetime | None = None
    source: str | None = None
    collected_at: datetime | None = None
    open_gap_seconds: float = 0.0

    def newest_age(self, now: datetime, exchange_time: datetime | None) -> timedelta | None:
        """Return how long ago the newest candle opened; None without one."""
        return self._age(self.newest, now, exchange_time)

    def covered_age(self, now: datetime, exchange_time: datetime | None) -> timedelta | None:
        """Return how long ago the last minute ended that is a candle or proven empty; None without one."""
        ends = [end for end in (self.newest and self.newest + MINUTE, self.resolved_until) if end]
        return self._age(max(ends, default=None), now, exchange_time)

    def _age(
        self, moment: datetime | None, now: datetime, exchange_time: datetime | None
    ) -> timedelta | None:
        if moment is None:
            return None
        # A recording's minutes are long past; they age by its own clock.
        until = (exchange_time or self.collected_at or now) if self.source == REPLAY else now
        return max(until - moment, timedelta())


@dataclass(frozen=True)
class Measurements:
    """What was read at one moment; Gemini's requests by model, of the vendor's day."""

    markets: tuple[MarketMeasurements, ...]
    database_bytes: int
    gemini_requests: Mapping[str, int]
    gemini_cost_usd: Decimal
    gemini_request_budget: int
    gemini_cost_budget_usd: Decimal
