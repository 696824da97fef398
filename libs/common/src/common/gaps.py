"""Gaps: minutes of a market without a candle, as every reader of `candle_gaps` sees them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

# Not known yet; came later; the exchange had no trade in them.
GapStatus = Literal["open", "repaired", "confirmed_empty"]


@dataclass(frozen=True)
class Gap:
    """Minutes [from_time, to_time) that had no candle when they were first looked at."""

    from_time: datetime
    to_time: datetime
    status: GapStatus
