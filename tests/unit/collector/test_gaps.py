from __future__ import annotations

import itertools
from datetime import UTC, datetime

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


def test_a_minute_without_a_candle_is_proven_empty() -> None:
    assert settle([], 0, 5, {0, 1, 4}) == [gap(2, 4)]


def test_a_full_page_leaves_no_gap() -> None:
    assert settle([], 0, 3, {0, 1, 2}) == []


def test_minutes_before_the_first_candle_are_no_gap() -> None:
    assert settle([], 0, 5, {3, 4}, begins=3) == []
    assert settle([], 0, 5, set(), begins=None) == []


def test_an_open_gap_is_repaired_where_the_candle_came_and_empty_where_it_did_not() -> None:
    settled = settle([gap(2, 6, "open", "missing")], 2, 6, {2, 3})
    assert settled == [gap(2, 4, "repaired"), gap(4, 6)]


def test_a_late_candle_turns_an_empty_minute_into_a_repaired_one() -> None:
    assert settle([gap(2, 5)], 3, 4, {3}) == [gap(2, 3), gap(3, 4, "repaired"), gap(4, 5)]


def test_the_parts_of_a_gap_outside_of_the_page_stay_as_they_were() -> None:
    settled = settle([gap(0, 10, "open", "missing")], 4, 6, set())
    assert settled == [gap(0, 4, "open", "missing"), gap(4, 6), gap(6, 10, "open", "missing")]


def test_empty_minutes_page_after_page_stay_one_gap() -> None:
    assert settle([gap(0, 5)], 5, 6, set()) == [gap(0, 6)]


def test_a_page_that_comes_again_changes_nothing() -> None:
    once = settle([], 0, 5, {0, 1, 4})
    assert settle(once, 0, 5, {0, 1, 4}) == once


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
