"""Snapshot of a market at an interval's end: all that Gemini or the rule sees.

The snapshot is stored with the signal, and its canonical bytes come back out of the stored JSON.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, PlainSerializer

from common.events import Market
from signaler.domain.market.indicators import Changes, Indicators, compute_changes, compute_indicators
from signaler.domain.market.intervals import candle_timestamp_of
from signaler.domain.market.look_back import LookBack

SNAPSHOT_VERSION: Final = 1
RECENT_CLOSES = 10


def _json_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


SnapshotPrice = Annotated[Decimal, PlainSerializer(_json_number, when_used="json")]


class Snapshot(BaseModel):
    """The figures of one market at one interval's end.

    Attributes:
        candle_timestamp: Open time of the interval's last minute.
        price: Close of the newest candle, KRW.
        candles: How many candles the look-back holds.
        recent_closes: The newest closes, oldest first, KRW.
    """

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = SNAPSHOT_VERSION
    market: Market
    candle_timestamp: AwareDatetime
    price: SnapshotPrice
    indicators: Indicators
    changes: Changes
    candles: int
    recent_closes: tuple[SnapshotPrice, ...]

    def canonical_json(self) -> str:
        """Return the one spelling of this snapshot: sorted keys, no spaces, numbers as JSON numbers."""
        document: dict[str, Any] = self.model_dump(mode="json", by_alias=True)
        return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)

    def figures(self) -> tuple[float, ...]:
        """Return every number a reader may quote: the price, the closes, the indicators, the changes."""
        optional = (*dict(self.indicators).values(), *dict(self.changes).values())
        known = [float(value) for value in (self.price, *self.recent_closes)]
        return (*known, *(value for value in optional if value is not None))


def take_snapshot(market: str, look_back: LookBack) -> Snapshot:
    """Return the snapshot of a look-back that holds at least one candle."""
    candles = look_back.candles
    return Snapshot(
        market=market,
        candle_timestamp=candle_timestamp_of(look_back.end),
        price=candles[-1].close,
        indicators=compute_indicators(candles),
        changes=compute_changes(candles, look_back.end),
        candles=len(candles),
        recent_closes=tuple(candle.close for candle in candles[-RECENT_CLOSES:]),
    )
