from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.gaps import RecordedGap, join, missing_ranges, settle_page
from common.clock import MINUTE
from common.gaps import GapStatus

BASE = datetime(2026, 1, 13, 9, 0, tzinfo=UTC)
NOW = datetime(2026, 1, 13, 12, 0, tzinfo=UTC)


def at(minute: int) -> datetime:
    return BASE + minute * MINUTE


def gap(start: int, end: int, status: GapStatus = "confirmed_empty", evidence: str = "upbit") -> RecordedGap:
    return RecordedGap(at(start), at(end), status, NOW, None if status == "open" else NOW, evidence)


def settle(
    known: list[RecordedGap], start: int, end: int, candles: set[int], begins: int | None = 0
) -> list[RecordedGap]:
    return settle_page(
        known,
        covers_from=at(start),
        covers_to=at(end),
        stored=frozenset(at(minute) for minute in candles),
        history_begins=None if begins is None else at(begins),
        now=NOW,
        evidence="upbit",
    )


OPEN = gap(2, 6, "open", "missing")
# What was known, the minutes a page covers, those with a candle, and what is known then.
SETTLED = {
    "a minute without a candle is proven empty": ([], (0, 5), {0, 1, 4}, [gap(2, 4)]),
    "a full page leaves no gap": ([], (0, 3), {0, 1, 2}, []),
    "an open gap is repaired where the candle came and empty where it did not": (
        [OPEN], (2, 6), {2, 3}, [gap(2, 4, "repaired"), gap(4, 6)],
    ),
    "a late candle turns an empty minute into a repaired one": (
        [gap(2, 5)], (3, 4), {3}, [gap(2, 3), gap(3, 4, "repaired"), gap(4, 5)],
    ),
    "the parts of a gap outside of the page stay as they were": (
        [OPEN], (3, 5), set(), [gap(2, 3, "open", "missing"), gap(3, 5), gap(5, 6, "open", "missing")],
    ),
    "empty minutes page after page stay one gap": ([gap(0, 5)], (5, 6), set(), [gap(0, 6)]),
    "a page that comes again changes nothing": ([gap(2, 4)], (0, 5), {0, 1, 4}, [gap(2, 4)]),
}  # fmt: skip


@pytest.mark.parametrize(("known", "covered", "candles", "settled"), SETTLED.values(), ids=SETTLED)
def test_a_page_settles_the_gaps_that_it_covers(
    known: list[RecordedGap], covered: tuple[int, int], candles: set[int], settled: list[RecordedGap]
) -> None:
    assert settle(known, *covered, candles) == settled


def test_minutes_before_the_first_candle_are_no_gap() -> None:
    assert settle([], 0, 5, {3, 4}, begins=3) == []
    assert settle([], 0, 5, set(), begins=None) == []


def test_neighbours_of_another_kind_stay_apart() -> None:
    kinds = [gap(0, 1), gap(1, 2, "repaired"), gap(2, 3, evidence="replay")]
    assert join(kinds) == kinds


def test_what_no_range_covers_is_missing() -> None:
    covered = [(at(2), at(4)), (at(3), at(6)), (at(8), at(9))]
    assert missing_ranges(covered, start=at(0), end=at(10)) == [
        (at(0), at(2)),
        (at(6), at(8)),
        (at(9), at(10)),
    ]
    assert missing_ranges([], start=at(0), end=at(0)) == []


minutes = st.integers(min_value=0, max_value=30)


@given(pages=st.lists(st.tuples(minutes, minutes, st.frozensets(minutes)), max_size=8))
def test_whatever_pages_come_each_minute_is_a_candle_or_in_one_gap(
    pages: list[tuple[int, int, frozenset[int]]],
) -> None:
    known: list[RecordedGap] = []
    stored: set[int] = {0}
    covered: set[int] = {0}
    for start, length, candles in pages:
        end = start + length + 1
        stored |= {minute for minute in candles if start <= minute < end}
        covered |= set(range(start, end))
        touching = [g for g in known if g.from_time <= at(end) and g.to_time >= at(start)]
        settled = settle(touching, start, end, {m for m in stored if start <= m < end})
        known = sorted([g for g in known if g not in touching] + settled, key=lambda g: g.from_time)
    ranges = [(g.from_time, g.to_time, g.status) for g in known]
    assert all(left[1] <= right[0] for left, right in itertools.pairwise(ranges))
    empty = {
        m
        for m in range(70)
        for g in known
        if g.status == "confirmed_empty" and g.from_time <= at(m) < g.to_time
    }
    assert empty == covered - stored
