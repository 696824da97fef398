"""Comparison of two sides, measured in turn so that a noisy machine hits both alike."""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

ROUNDS = 5
COLUMNS = ("work", "against", "ours", "theirs", "figure", "bar", "reached")


@dataclass(frozen=True)
class Comparison:
    """One row: the work, what it is held against, both figures in words, the ratio or figure, and the bar."""

    work: str
    against: str
    ours: str
    theirs: str
    figure: str
    bar: str
    reached: bool
    is_error: bool = False

    def cells(self) -> tuple[str, ...]:
        """Return the row of the table."""
        reached = "yes" if self.reached else "NO"
        return self.work, self.against, self.ours, self.theirs, self.figure, self.bar, reached

    @classmethod
    def alone(cls, work: str, figure: str, bar: str, *, reached: bool, measured: str = "") -> Comparison:
        """Return the row of a figure that has no other side; `measured` says more than the figure."""
        return cls(work, "–", measured or figure, "–", figure, bar, reached)

    @classmethod
    def of_error(cls, name: str, error: str) -> Comparison:
        """Return the row of a bench that ended with an error."""
        return cls(name, "–", error, "–", "–", "ends without an error", reached=False, is_error=True)


@dataclass(frozen=True)
class Rounds:
    """What every side measured, round by round."""

    taken: Mapping[str, Sequence[float]]

    def median(self, side: str) -> float:
        """Return a side's median."""
        return statistics.median(self.taken[side])

    def ratio(self, side: str, other: str) -> float:
        """Return the median of the rounds' ratios: a slow moment of the machine hits both sides."""
        return statistics.median(self._ratios(side, other))

    def shown(self, side: str, other: str, *, digits: int = 2) -> str:
        """Return the ratio in words, with the lowest and the highest round's after it."""
        ratios = self._ratios(side, other)
        low, middle, high = (
            f"{ratio:.{digits}f}" for ratio in (min(ratios), self.ratio(side, other), max(ratios))
        )
        return f"{middle}x ({low} to {high})"

    def _ratios(self, side: str, other: str) -> list[float]:
        return [mine / theirs for mine, theirs in zip(self.taken[side], self.taken[other], strict=True)]


async def side_by_side(
    sides: Mapping[str, Callable[[], Awaitable[float]]], *, rounds: int = ROUNDS
) -> Rounds:
    """Measure every side once a round, in turn."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            taken[name].append(await side())
    return Rounds(taken)


def percentile(values: list[float], share: float) -> float:
    """Return the value that `share` (0..1) of all are not above."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
