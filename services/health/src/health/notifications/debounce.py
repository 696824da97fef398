"""Debounce of the overall state: only what has lasted is announced. Pure: the caller gives monotonic seconds.

A state that comes and goes is announced less and less often: each recent announcement doubles how long the
next state must last. What lasts is always announced, and where nothing lasts, the worst of it.
"""

from __future__ import annotations

from collections import deque
from typing import get_args

from health.schemas import OverallStatus

RECENT_SECONDS = 1800.0
AT_MOST_SECONDS = 300.0
# A stack that starts is unhealthy until all of it is there.
FIRST_TIMES = 3
UNSETTLED_TIMES = 6
_FROM_BEST_TO_WORST: tuple[OverallStatus, ...] = get_args(OverallStatus)


class Debounce:
    """Takes the states that are seen, one after the other.

    Args:
        seconds: How long a state must last where none was announced recently; the first three times as long.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._status: OverallStatus | None = None
        self._since = 0.0
        self._unsettled_since: float | None = None
        self._worst: OverallStatus = "healthy"
        self._is_first = True
        self._announced: deque[float] = deque()

    def observe(self, status: OverallStatus, now: float) -> OverallStatus | None:
        """Take the state of this moment; return the one to announce, None while nothing has settled."""
        if status != self._status:
            self._status, self._since = status, now
            if self._unsettled_since is None:
                self._unsettled_since, self._worst = now, status
            self._worst = max(self._worst, status, key=_FROM_BEST_TO_WORST.index)
        wait = self._wait(now)
        if now - self._since >= wait:
            self._is_first, self._unsettled_since = False, None
            return status
        if self._unsettled_since is not None and now - self._unsettled_since >= UNSETTLED_TIMES * wait:
            return self._worst
        return None

    def record_change(self, now: float) -> None:
        """Record that a change is announced."""
        self._announced.append(now)

    def _wait(self, now: float) -> float:
        while self._announced and now - self._announced[0] > RECENT_SECONDS:
            self._announced.popleft()
        if self._is_first:
            return FIRST_TIMES * self._seconds
        return max(self._seconds, min(self._seconds * 2.0 ** len(self._announced), AT_MOST_SECONDS))
