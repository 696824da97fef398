from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.clock import MINUTE, ExchangeClock, closed_until, floor_minute, utc_now
from servers.waiting import eventually_sync

NINE = datetime(2026, 1, 13, 9, 0, tzinfo=UTC)
moments = st.timedeltas(timedelta(days=-3000), timedelta(days=20000)).map(lambda span: NINE + span)


@pytest.mark.parametrize(
    ("seconds", "closed"),
    [(0, -1), (1.999999, -1), (2, 0), (61.999999, 0), (62, 1), (121.999999, 1), (122, 2)],
)
def test_a_minute_is_closed_62_seconds_after_it_opened(seconds: float, closed: int) -> None:
    assert closed_until(NINE + timedelta(seconds=seconds)) == NINE + closed * MINUTE


@given(moment=moments)
def test_the_last_closed_minute_opened_at_least_62_seconds_ago_and_the_next_one_did_not(
    moment: datetime,
) -> None:
    end = closed_until(moment)
    assert end == floor_minute(end)
    assert moment - (end - MINUTE) >= timedelta(seconds=62) > moment - end


@given(moment=moments)
def test_a_moment_lies_in_its_minute(moment: datetime) -> None:
    start = floor_minute(moment)
    assert start <= moment < start + MINUTE
    assert (start.second, start.microsecond, start.tzinfo) == (0, 0, UTC)


def test_our_own_time_is_aware_and_utc() -> None:
    assert utc_now().utcoffset() == timedelta(0)


def test_exchange_time_is_unknown_at_first_and_never_goes_back() -> None:
    clock = ExchangeClock()
    assert (clock.now, clock.advanced_at, clock.silent_seconds) == (None, None, math.inf)
    for seconds in (10, 12, 11):
        clock.observe(NINE + timedelta(seconds=seconds))
    assert clock.now == NINE + timedelta(seconds=12)


def test_an_old_time_breaks_the_silence_but_is_no_progress() -> None:
    clock = ExchangeClock()
    before = utc_now()
    clock.observe(NINE)
    advanced, silent = clock.advanced_at, clock.silent_seconds
    assert advanced is not None
    assert before <= advanced <= utc_now()
    eventually_sync(lambda: clock.silent_seconds > silent + 0.02)
    began = time.monotonic()
    clock.observe(NINE)
    assert clock.advanced_at == advanced
    assert clock.silent_seconds <= time.monotonic() - began


HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def clock_after(*seconds: float) -> ExchangeClock:
    """Return a steady clock that observed nine o'clock twice, and then these seconds after it."""
    clock = ExchangeClock(steady=True)
    for moment in (0.0, 0.0, *seconds):
        clock.observe(NINE + moment * SECOND)
    return clock


@pytest.mark.parametrize(
    ("seconds", "now"),
    [
        ((1.9,), 1.9),
        ((3600,), 0),
        ((3600, 1), 1),
        ((3600, 1, 3600), 1),
        ((3600, 1, 3600, 1), 1),
        ((300, 301), 300),
        ((300, 301, 301), 301),
        ((3600, 300), 300),
        ((-300, -300), 0),
    ],
)
def test_a_steady_clock_believes_a_jump_that_the_next_answer_confirms(
    seconds: tuple[float, ...], now: float
) -> None:
    assert clock_after(*seconds).now == NINE + now * SECOND


def test_a_steady_clock_takes_back_a_first_time_that_nothing_confirms() -> None:
    clock = ExchangeClock(steady=True)
    for moment in (NINE + HOUR, NINE, NINE + SECOND):
        clock.observe(moment)
    assert clock.now == NINE + SECOND


@given(seconds=st.lists(st.floats(0, 2), max_size=20), wrong=st.floats(5, 1e6), place=st.integers(0, 20))
def test_one_wrong_time_among_right_ones_changes_nothing(
    seconds: list[float], wrong: float, place: int
) -> None:
    spoilt = [*seconds[:place], wrong, *seconds[place:]]
    assert clock_after(*spoilt, 0).now == clock_after(*seconds, 0).now


def test_a_clock_that_is_not_steady_follows_a_recording_at_any_speed() -> None:
    clock = ExchangeClock()
    for moment in (NINE, NINE + HOUR):
        clock.observe(moment)
    assert clock.now == NINE + HOUR


def test_how_far_the_exchange_is_ahead_of_this_machine_is_known() -> None:
    clock = ExchangeClock()
    assert clock.ahead_of_us is None
    clock.observe(utc_now() + HOUR)
    assert clock.ahead_of_us is not None
    assert HOUR - SECOND < clock.ahead_of_us <= HOUR
