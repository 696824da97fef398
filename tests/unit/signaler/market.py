"""Candles, pages and look-backs as the tests of the signaler need them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from common.clock import MINUTE
from common.events import Candle, CandlesClosed
from signaler.domain.market.look_back import StoredCandle, build_look_back
from signaler.domain.market.snapshot import Snapshot, take_snapshot

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def candle(timestamp: datetime, close: object, *, open_: object = None, volume: object = 1) -> Candle:
    """A candle that opened at `open_` (the close where not given) and spans just these two."""
    end, start = Decimal(str(close)), Decimal(str(close if open_ is None else open_))
    return Candle(
        timestamp=timestamp,
        open=start,
        high=max(start, end),
        low=min(start, end),
        close=end,
        volume=Decimal(str(volume)),
        trade_value=Decimal(str(volume)) * end,
    )


def candles_until(end: datetime, closes: Sequence[object]) -> tuple[Candle, ...]:
    """One candle a minute, the last one ending at `end`."""
    start = end - len(closes) * MINUTE
    opens = [closes[0], *closes[:-1]]
    return tuple(
        candle(start + n * MINUTE, close, open_=opens[n], volume=1 + n % 7) for n, close in enumerate(closes)
    )


def wavy_closes(count: int, *, base: int = 95_000_000) -> list[int]:
    """Prices that rise and fall by about 2 %."""
    return [base + round(base * 0.02 * math.sin(n / 40) + 1000 * (n % 5)) for n in range(count)]


def page_of(
    candles: Sequence[Candle],
    *,
    covers_from: datetime,
    covers_to: datetime,
    market: str = "KRW-BTC",
    collected_at: datetime | None = None,
    repair_run_id: str | None = None,
) -> CandlesClosed:
    """A page of these candles, answered three seconds after its end where not said otherwise."""
    return CandlesClosed(
        market=market,
        covers_from=covers_from,
        covers_to=covers_to,
        candles=tuple(candles),
        collected_at=collected_at or covers_to + timedelta(seconds=3),
        source="simulator",
        repair_run_id=repair_run_id,
    )


def snapshot_of(closes: Sequence[object], *, end: datetime = NOON, market: str = "KRW-BTC") -> Snapshot:
    """The snapshot at `end` of a market with these closes, one a minute."""
    stored = [StoredCandle(known, end) for known in candles_until(end, closes)]
    return take_snapshot(market, build_look_back(end, stored, [], None))
