"""Look-back window: the candles and gaps before an interval's end, and whether they suffice to decide.

A minute is covered by a candle, by a gap that was resolved (`repaired`, `confirmed_empty`), or by the page
in hand, which proves every minute of its range, traded or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from common.clock import MINUTE
from common.events import Candle, CandlesClosed
from common.gaps import Gap

LOOK_BACK_MINUTES = 1500
MIN_CANDLES = 50

Readiness = Literal["ready", "wait", "stale"]


@dataclass(frozen=True)
class StoredCandle:
    """One row of `market_data`; `collected_at` orders two values of one minute."""

    candle: Candle
    collected_at: datetime


@dataclass(frozen=True)
class LookBack:
    """The minutes [start, end) as they are known now.

    Attributes:
        candles: Oldest first, one a minute at most.
        open_minutes: Minutes that are recorded as missing and that no candle and no page covers.
        uncovered_minutes: Minutes after the first candle of which nothing is known.
        reaches_back: False when nothing before the page in hand is known, though the window begins earlier.
    """

    start: datetime
    end: datetime
    candles: tuple[Candle, ...]
    open_minutes: int
    uncovered_minutes: int
    reaches_back: bool


@dataclass(frozen=True)
class Verdict:
    """Whether to decide now, to wait for the store, or to give the run up; `message` says why."""

    readiness: Readiness
    message: str = ""


def window_start(interval_end: datetime) -> datetime:
    """Return the first minute of the look-back that ends at `interval_end`."""
    return interval_end - LOOK_BACK_MINUTES * MINUTE


def build_look_back(
    interval_end: datetime,
    stored: Iterable[StoredCandle],
    gaps: Sequence[Gap],
    page: CandlesClosed | None,
) -> LookBack:
    """Merge the stored rows, the gaps and the page in hand; rows outside of the window are left out.

    Where store and page differ, the value collected later wins.
    """
    start = window_start(interval_end)
    window = range(_minute(start), _minute(interval_end))
    candles = _merge(stored, page, window)
    paged = _minutes(page.covers_from, page.covers_to, window) if page else range(0)
    opened: set[int] = set()
    resolved: set[int] = set()
    for gap in gaps:
        (opened if gap.status == "open" else resolved).update(_minutes(gap.from_time, gap.to_time, window))
    proven = candles.keys() | paged
    since_first = range(min(candles, default=window.stop), window.stop)
    return LookBack(
        start=start,
        end=interval_end,
        candles=tuple(candles[m] for m in sorted(candles)),
        open_minutes=len(opened - proven),
        uncovered_minutes=len(set(since_first) - proven - resolved - opened),
        reaches_back=not paged
        or paged.start <= window.start
        or any(minute < paged.start for minute in candles.keys() | resolved),
    )


def judge(look_back: LookBack, *, waited_out: bool) -> Verdict:
    """Say whether the look-back may be decided on.

    Args:
        waited_out: The store has had its time to catch up; what is not there now is missing.
    """
    if look_back.open_minutes:
        return Verdict("stale", f"{look_back.open_minutes} minutes of the look-back are an open gap")
    if look_back.uncovered_minutes:
        message = (
            f"{look_back.uncovered_minutes} minutes before {look_back.end:%Y-%m-%dT%H:%MZ} are not stored"
        )
        return Verdict("stale" if waited_out else "wait", message)
    if not look_back.reaches_back and not waited_out:
        return Verdict("wait", "nothing before the page in hand is stored")
    if len(look_back.candles) < MIN_CANDLES:
        return Verdict("stale", f"{len(look_back.candles)} candles are known, {MIN_CANDLES} are needed")
    return Verdict("ready")


def _merge(stored: Iterable[StoredCandle], page: CandlesClosed | None, window: range) -> dict[int, Candle]:
    merged: dict[int, Candle] = {}
    newer_than_page: set[int] = set()
    for row in stored:
        minute = _minute(row.candle.timestamp)
        merged[minute] = row.candle
        if page and row.collected_at > page.collected_at:
            newer_than_page.add(minute)
    for candle in page.candles if page else ():
        minute = _minute(candle.timestamp)
        if minute not in newer_than_page:
            merged[minute] = candle
    return {minute: candle for minute, candle in merged.items() if minute in window}


def _minutes(from_time: datetime, to_time: datetime, window: range) -> range:
    """Return the minutes of [from_time, to_time) inside the window, clipped so that a year costs nothing."""
    return range(max(_minute(from_time), window.start), min(_minute(to_time), window.stop))


def _minute(moment: datetime) -> int:
    return int(moment.timestamp()) // 60
