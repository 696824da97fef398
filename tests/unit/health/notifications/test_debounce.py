from __future__ import annotations

import pytest

from health.notifications.debounce import Debounce
from health.schemas import OverallStatus

SETTLE = 10.0


class Announcements:
    """Looks once a second and notes what is announced, as the notifier does."""

    def __init__(self, first: OverallStatus = "healthy") -> None:
        self._debounce = Debounce(SETTLE)
        self.now = 0.0
        self.states: list[tuple[float, OverallStatus]] = []
        self._last = first

    def see(self, status: OverallStatus, seconds: float) -> None:
        """Have a state last so long."""
        end = self.now + seconds
        while self.now < end:
            found = self._debounce.observe(status, self.now)
            if found and found != self._last:
                self._debounce.record_change(self.now)
                self.states.append((self.now, found))
                self._last = found
            self.now += 1


def test_a_state_that_lasts_is_announced_after_the_time_it_takes_to_settle() -> None:
    seen = Announcements()
    seen.see("healthy", 100)
    seen.see("unhealthy", 60)
    assert seen.states == [(110, "unhealthy")]


@pytest.mark.parametrize(
    ("lasting", "announced"),
    [
        # The first state of a process has three times as long.
        ([("unhealthy", 29), ("healthy", 100)], []),
        ([("healthy", 100), ("unhealthy", 9), ("healthy", 100)], []),
        (
            [("healthy", 100), ("unhealthy", 400), ("degraded", 400), ("healthy", 400)],
            ["unhealthy", "degraded", "healthy"],
        ),
        # Where nothing lasts, the worst of it, once.
        ([("healthy", 100), *[("degraded", 4), ("unhealthy", 4)] * 200], ["unhealthy"]),
    ],
    ids=["at first", "too short", "lasting", "coming and going"],
)
def test_each_change_that_lasts_is_announced_and_no_other(
    lasting: list[tuple[OverallStatus, float]], announced: list[OverallStatus]
) -> None:
    seen = Announcements()
    for status, seconds in lasting:
        seen.see(status, seconds)
    assert [status for _, status in seen.states] == announced


@pytest.mark.parametrize("period", [3, 7, 12, 25, 70])
def test_what_comes_and_goes_for_an_hour_is_no_flood(period: int) -> None:
    seen = Announcements()
    seen.see("healthy", 100)
    while seen.now < 3700:
        seen.see("unhealthy", period)
        seen.see("healthy", period)
    assert 1 <= len(seen.states) <= 12
    # It was announced that something is wrong, soon after it began.
    assert seen.states[0][1] == "unhealthy"
    assert seen.states[0][0] < 180
    seen.see("healthy", 400)
    assert seen.states[-1][1] == "healthy"
