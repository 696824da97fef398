from __future__ import annotations

import pytest

from health.notifications.debounce import Settling
from health.schemas import OverallStatus

SETTLE = 10.0


class Told:
    """Looks once a second and notes what is told, as the notifier does."""

    def __init__(self, first: OverallStatus = "healthy") -> None:
        self._settling = Settling(SETTLE)
        self.now = 0.0
        self.states: list[tuple[float, OverallStatus]] = []
        self._last = first

    def see(self, status: OverallStatus, seconds: float) -> None:
        """Have a state last so long."""
        end = self.now + seconds
        while self.now < end:
            found = self._settling.observe(status, self.now)
            if found and found != self._last:
                self._settling.note_told(self.now)
                self.states.append((self.now, found))
                self._last = found
            self.now += 1


def test_a_state_that_lasts_is_told_after_the_time_it_takes_to_settle() -> None:
    told = Told()
    told.see("healthy", 100)
    told.see("unhealthy", 60)
    assert told.states == [(110, "unhealthy")]


def test_the_first_state_of_a_process_has_three_times_as_long() -> None:
    told = Told()
    told.see("unhealthy", 29)
    told.see("healthy", 100)
    assert told.states == []


def test_what_is_over_before_it_settles_is_not_told() -> None:
    told = Told()
    told.see("healthy", 100)
    told.see("unhealthy", 9)
    told.see("healthy", 100)
    assert told.states == []


def test_each_change_that_lasts_is_told_and_the_last_word_is_what_holds() -> None:
    told = Told()
    told.see("healthy", 100)
    told.see("unhealthy", 400)
    told.see("degraded", 400)
    told.see("healthy", 400)
    assert [status for _, status in told.states] == ["unhealthy", "degraded", "healthy"]


@pytest.mark.parametrize("period", [3, 7, 12, 25, 70])
def test_what_comes_and_goes_for_an_hour_is_no_flood(period: int) -> None:
    told = Told()
    told.see("healthy", 100)
    while told.now < 3700:
        told.see("unhealthy", period)
        told.see("healthy", period)
    assert 1 <= len(told.states) <= 12
    # It was told that something is wrong, soon after it began.
    assert told.states[0][1] == "unhealthy"
    assert told.states[0][0] < 180
    told.see("healthy", 400)
    assert told.states[-1][1] == "healthy"


def test_where_nothing_lasts_the_worst_of_it_is_told_once() -> None:
    told = Told()
    told.see("healthy", 100)
    for _ in range(200):
        told.see("degraded", 4)
        told.see("unhealthy", 4)
    assert [status for _, status in told.states] == ["unhealthy"]
