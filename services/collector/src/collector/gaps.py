"""Interval arithmetic on a market's minutes: covered, missing, or proven empty. Pure, half-open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from common.clock import MINUTE
from common.gaps import Gap, GapStatus


@dataclass(frozen=True)
class RecordedGap(Gap):
    """A whole row of `candle_gaps`.

    Attributes:
        evidence: Why we believe it: `upbit`, `simulator` or `replay` answered without a candle, or `missing`.
    """

    detected_at: datetime
    resolved_at: datetime | None
    evidence: str


def settle_page(
    known: Sequence[RecordedGap],
    *,
    covers_from: datetime,
    covers_to: datetime,
    stored: frozenset[datetime],
    history_begins: datetime | None,
    now: datetime,
    evidence: str,
) -> list[RecordedGap]:
    """Return what the gaps that touch a page become once its candles are stored.

    Args:
        known: Every gap that overlaps or touches [covers_from, covers_to), oldest first.
        stored: Minutes of the page's range that have a candle now.
        history_begins: The market's first candle; minutes before it are not missing, there was no market.
        now: When this is decided, wall time.

    Returns:
        The gaps to keep instead of `known`, oldest first, neighbours of one kind joined.
    """
    outside = [part for gap in known for part in _outside(gap, covers_from, covers_to)]
    inside: list[RecordedGap] = []
    minute = covers_from
    while minute < covers_to:
        before = next((gap for gap in known if gap.from_time <= minute < gap.to_time), None)
        has_candle = minute in stored
        status: GapStatus = "repaired" if has_candle else "confirmed_empty"
        is_history = history_begins is not None and minute >= history_begins
        if before and before.status == status:
            inside.append(replace(before, from_time=minute, to_time=minute + MINUTE))
        elif before is not None if has_candle else is_history:
            detected = before.detected_at if before else now
            inside.append(RecordedGap(minute, minute + MINUTE, status, detected, now, evidence))
        minute += MINUTE
    return join(sorted([*outside, *inside], key=lambda gap: gap.from_time))


def _outside(gap: RecordedGap, covers_from: datetime, covers_to: datetime) -> list[RecordedGap]:
    parts = []
    if gap.from_time < covers_from:
        parts.append(replace(gap, to_time=min(gap.to_time, covers_from)))
    if gap.to_time > covers_to:
        parts.append(replace(gap, from_time=max(gap.from_time, covers_to)))
    return parts


def join(gaps: Iterable[RecordedGap]) -> list[RecordedGap]:
    """Return gaps with touching neighbours of the same status and evidence made one; sorted input."""
    joined: list[RecordedGap] = []
    for gap in gaps:
        last = joined[-1] if joined else None
        if (
            last
            and last.to_time == gap.from_time
            and (last.status, last.evidence) == (gap.status, gap.evidence)
        ):
            resolved = max((at for at in (last.resolved_at, gap.resolved_at) if at is not None), default=None)
            joined[-1] = replace(
                last,
                to_time=gap.to_time,
                detected_at=min(last.detected_at, gap.detected_at),
                resolved_at=resolved,
            )
        else:
            joined.append(gap)
    return joined


def missing_ranges(
    covered: Sequence[tuple[datetime, datetime]], *, start: datetime, end: datetime
) -> list[tuple[datetime, datetime]]:
    """Return the parts of [start, end) that none of the `covered` ranges (sorted by start) covers."""
    missing = []
    cursor = start
    for from_time, to_time in covered:
        if from_time > cursor:
            missing.append((cursor, min(from_time, end)))
        cursor = max(cursor, to_time)
        if cursor >= end:
            break
    if cursor < end:
        missing.append((cursor, end))
    return [(from_time, to_time) for from_time, to_time in missing if from_time < to_time]
