"""Interval ends: the grid, what a page closes, when it is too late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.clock import MINUTE
from signaler.domain.market.intervals import candle_timestamp_of, closed_by, is_late, newest_end_until

HOUR = datetime(2026, 11, 24, 12, tzinfo=UTC)
minutes = st.integers(0, 40_000_000).map(lambda n: datetime.fromtimestamp(n * 60, UTC))
intervals = st.integers(1, 1440)


@pytest.mark.parametrize(
    ("covers_from", "covers_to", "closed"),
    [
        (-1, 0, (0, 0)),
        # It begins at the hour, which was closed before.
        (0, 59, None),
        (-1, 125, (120, 2)),
    ],
)
def test_a_page_closes_the_newest_end_in_it_and_counts_the_older_ones(
    covers_from: int, covers_to: int, closed: tuple[int, int] | None
) -> None:
    found = closed_by(HOUR + covers_from * MINUTE, HOUR + covers_to * MINUTE, 60)
    assert (found and ((found.newest_end - HOUR) / MINUTE, found.older)) == closed


def test_an_interval_that_does_not_divide_a_day_keeps_to_the_unix_grid() -> None:
    end = newest_end_until(HOUR, 7)
    assert int(end.timestamp()) % 420 == 0
    assert HOUR - 7 * MINUTE < end <= HOUR


@given(start=minutes, lengths=st.lists(st.integers(1, 200), min_size=1, max_size=20), interval=intervals)
def test_pages_in_a_row_close_every_end_exactly_once(
    start: datetime, lengths: list[int], interval: int
) -> None:
    total, at = 0, start
    for length in lengths:
        closed = closed_by(at, at + length * MINUTE, interval)
        total += closed.older + 1 if closed else 0
        at += length * MINUTE
    whole = closed_by(start, at, interval)
    assert total == (whole.older + 1 if whole else 0)


@given(moment=minutes, interval=intervals)
def test_the_candle_timestamp_lies_in_the_interval_that_ended(moment: datetime, interval: int) -> None:
    end = newest_end_until(moment, interval)
    last_minute = candle_timestamp_of(end)
    assert int(last_minute.timestamp()) // (interval * 60) == int(end.timestamp()) // (interval * 60) - 1


@pytest.mark.parametrize(("interval", "limit"), [(1, 5), (10, 5), (60, 30), (1440, 720)])
def test_an_end_is_late_beyond_five_minutes_or_half_an_interval(interval: int, limit: int) -> None:
    assert not is_late(HOUR, HOUR + limit * MINUTE, interval)
    assert is_late(HOUR, HOUR + limit * MINUTE + timedelta(seconds=1), interval)
