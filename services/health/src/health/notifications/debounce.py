"""Which state has lasted long enough to be told? Pure: times come from the caller, in monotonic seconds.

A state that comes and goes is told less and less often: each change that was told lately doubles how long the
next one must last. What lasts is always told, and where nothing lasts, the worst of it.
"""

from __future__ import annotations

from collections import deque
from typing import get_args

from health.schemas import OverallStatus

LATELY_SECONDS = 1800.0
AT_MOST_SECONDS = 300.0
# A stack that starts is unhealthy until all of it is there.
FIRST_TIMES = 3
RESTLESS_TIMES = 6
_FROM_BEST_TO_WORST: tuple[OverallStatus, ...] = get_args(OverallStatus)


class Settling:
    """The states that are seen, one after the other.

    Args:
        seconds: How long a state must last, where none was told lately; the very first three times as long.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._status: OverallStatus | None = None
        self._since = 0.0
        self._restless_since: float | None = None
        self._worst: OverallStatus = "healthy"
        self._is_first = True
        self._told: deque[float] = deque()

    def observe(self, status: OverallStatus, now: float) -> OverallStatus | None:
        """Take note of the state of this moment; return the one to tell, None while nothing has settled."""
        if status != self._status:
            self._status, self._since = status, now
            if self._restless_since is None:
                self._restless_since, self._worst = now, status
            self._worst = max(self._worst, status, key=_FROM_BEST_TO_WORST.index)
        wait = self._wait(now)
        if now - self._since >= wait:
            self._is_first, self._restless_since = False, None
            return status
        if self._restless_since is not None and now - self._restless_since >= RESTLESS_TIMES * wait:
            return self._worst
        return None

    def note_told(self, now: float) -> None:
        """Take note that a change is told."""
        self._told.append(now)

    def _wait(self, now: float) -> float:
        while self._told and now - self._told[0] > LATELY_SECONDS:
            self._told.popleft()
        if self._is_first:
            return FIRST_TIMES * self._seconds
        return max(self._seconds, min(self._seconds * 2.0 ** len(self._told), AT_MOST_SECONDS))
