from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from collector.domain import closed_part, first_minute_to_collect, page_ranges
from common.clock import MINUTE, closed_until

START = datetime(2026, 3, 11, 14, 40, tzinfo=UTC)


def test_a_page_fetched_too_early_proves_only_the_closed_minutes() -> None:
    end = START + 3 * MINUTE
    assert closed_part(end, exchange_time=end + timedelta(seconds=1)) == end - MINUTE
    assert closed_part(end, exchange_time=end + timedelta(seconds=2)) == end


def test_a_range_is_cut_into_pages_of_200_minutes_oldest_first() -> None:
    ranges = list(page_ranges(START, START + 450 * MINUTE))
    assert [(to - start) / MINUTE for start, to in ranges] == [200, 200, 50]
    assert all(earlier[1] == later[0] for earlier, later in itertools.pairwise(ranges))
    assert list(page_ranges(START, START)) == []


def test_collecting_goes_on_where_it_stopped_however_long_ago() -> None:
    month_ago = START - timedelta(days=30)
    assert first_minute_to_collect(month_ago, exchange_time=START, backfill=timedelta(days=3)) == month_ago


def test_a_first_start_reaches_back_the_backfill() -> None:
    first = first_minute_to_collect(None, exchange_time=START, backfill=timedelta(days=3))
    assert first == closed_until(START - timedelta(days=3))
