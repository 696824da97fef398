"""Look-backs: what covers a minute, when the store is waited for, when a run is stale."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from common.clock import MINUTE
from common.events import Candle
from common.gaps import Gap, GapStatus
from signaler.domain.market.look_back import (
    LOOK_BACK_MINUTES,
    LookBack,
    StoredCandle,
    build_look_back,
    judge,
    window_start,
)
from unit.signaler.market import NOON, candle, candles_until, page_of

EARLIER = NOON - timedelta(hours=1)


def stored(candles: tuple[Candle, ...], *, collected_at: datetime = EARLIER) -> list[StoredCandle]:
    return [StoredCandle(known, collected_at) for known in candles]


def readiness(look_back: LookBack, *, waited_out: bool = False) -> str:
    return judge(look_back, waited_out=waited_out).readiness


def test_stored_candles_and_the_page_in_hand_make_it_ready() -> None:
    candles = candles_until(NOON, [100] * 60)
    page = page_of(candles[-1:], covers_from=NOON - MINUTE, covers_to=NOON)
    look_back = build_look_back(NOON, stored(candles[:-1]), [], page)
    assert readiness(look_back) == "ready"
    assert len(look_back.candles) == 60


def test_minutes_the_store_does_not_have_yet_are_waited_for_and_then_stale() -> None:
    candles = candles_until(NOON, [100] * 100)
    page = page_of(candles[-1:], covers_from=NOON - MINUTE, covers_to=NOON)
    look_back = build_look_back(NOON, stored(candles[:90]), [], page)
    assert look_back.uncovered_minutes == 9
    assert readiness(look_back) == "wait"
    assert readiness(look_back, waited_out=True) == "stale"


def test_a_minute_inside_the_page_without_a_candle_is_proven_empty() -> None:
    candles = candles_until(NOON, [100] * 100)
    page = page_of((), covers_from=NOON - 5 * MINUTE, covers_to=NOON)
    assert readiness(build_look_back(NOON, stored(candles[:95]), [], page)) == "ready"


def test_a_confirmed_empty_gap_covers_and_an_open_one_is_stale_at_once() -> None:
    candles = candles_until(NOON, [100] * 100)
    known = stored(candles[:40] + candles[50:])
    hole = (candles[40].timestamp, candles[50].timestamp)
    expectations: dict[GapStatus, str] = {"confirmed_empty": "ready", "repaired": "ready", "open": "stale"}
    for status, expected in expectations.items():
        look_back = build_look_back(NOON, known, [Gap(*hole, status)], None)
        assert readiness(look_back) == expected


def test_an_open_gap_that_the_page_in_hand_covers_is_no_gap_any_more() -> None:
    candles = candles_until(NOON, [100] * 100)
    page = page_of(candles[90:], covers_from=candles[90].timestamp, covers_to=NOON)
    gap = Gap(candles[90].timestamp, NOON, "open")
    assert readiness(build_look_back(NOON, stored(candles[:90]), [gap], page)) == "ready"


def test_an_open_gap_before_the_first_candle_but_in_the_window_is_stale() -> None:
    candles = candles_until(NOON, [100] * 60)
    gap = Gap(window_start(NOON) - 10 * MINUTE, window_start(NOON) + MINUTE, "open")
    assert readiness(build_look_back(NOON, stored(candles), [gap], None)) == "stale"


def test_fewer_than_fifty_candles_are_stale() -> None:
    assert readiness(build_look_back(NOON, stored(candles_until(NOON, [100] * 49)), [], None)) == "stale"
    assert readiness(build_look_back(NOON, stored(candles_until(NOON, [100] * 50)), [], None)) == "ready"


def test_a_page_with_nothing_stored_before_it_waits_but_is_decided_in_the_end() -> None:
    candles = candles_until(NOON, [100] * 60)
    page = page_of(candles, covers_from=candles[0].timestamp, covers_to=NOON)
    look_back = build_look_back(NOON, [], [], page)
    assert readiness(look_back) == "wait"
    assert readiness(look_back, waited_out=True) == "ready"


def test_the_value_that_was_collected_later_wins() -> None:
    old, corrected = candle(NOON - MINUTE, 100), candle(NOON - MINUTE, 101)
    page = page_of([old], covers_from=NOON - MINUTE, covers_to=NOON)
    after_page = stored((corrected,), collected_at=page.collected_at + MINUTE)
    assert build_look_back(NOON, after_page, [], page).candles == (corrected,)
    assert build_look_back(NOON, stored((corrected,)), [], page).candles == (old,)


def test_candles_after_the_interval_end_are_not_looked_at() -> None:
    candles = candles_until(NOON + 10 * MINUTE, [100] * 100)
    page = page_of(candles[-20:], covers_from=candles[-20].timestamp, covers_to=NOON + 10 * MINUTE)
    look_back = build_look_back(NOON, stored(candles), [], page)
    assert look_back.candles[-1].timestamp == NOON - MINUTE


@given(
    kept=st.sets(st.integers(0, 119)),
    gap=st.tuples(st.integers(0, 119), st.integers(1, 60)),
    covered=st.integers(1, 60),
)
def test_a_ready_look_back_has_every_minute_covered(
    kept: set[int], gap: tuple[int, int], covered: int
) -> None:
    candles = candles_until(NOON, [100] * 120)
    start = candles[0].timestamp
    empty = Gap(start + gap[0] * MINUTE, start + sum(gap) * MINUTE, "confirmed_empty")
    page = page_of(candles[-covered:], covers_from=candles[-covered].timestamp, covers_to=NOON)
    known = tuple(candles[n] for n in sorted(kept))
    look_back = build_look_back(NOON, stored(known), [empty], page)
    if readiness(look_back, waited_out=True) != "ready":
        return
    times = {known.timestamp for known in look_back.candles}
    for n in range(120):
        minute = start + n * MINUTE
        if minute >= look_back.candles[0].timestamp:
            assert minute in times or empty.from_time <= minute < empty.to_time or n >= 120 - covered


def test_the_window_is_fifteen_hundred_minutes() -> None:
    assert NOON - window_start(NOON) == LOOK_BACK_MINUTES * MINUTE == timedelta(hours=25)
