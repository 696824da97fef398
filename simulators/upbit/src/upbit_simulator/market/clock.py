"""Exchange clock, in real time or of a replay, in Unix ms; `speed` is exchange seconds a wall second."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WallExchangeClock:
    """The seeded market lives in real time."""

    mode: str = "simulated"
    speed: float = 1.0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class ReplayClock:
    """A recording's time: `first_ms` at `wall_start` (Unix s), `speed` times faster, stops at `end_ms`."""

    first_ms: int
    end_ms: int
    speed: float
    wall_start: float
    wall: Callable[[], float] = time.time
    mode: str = "replay"

    def now_ms(self) -> int:
        elapsed_ms = max(0.0, self.wall() - self.wall_start) * self.speed * 1000
        return min(self.end_ms, self.first_ms + int(elapsed_ms))


ExchangeClock = WallExchangeClock | ReplayClock
