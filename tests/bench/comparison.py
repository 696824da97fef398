"""What is one comparison, and how is it measured so that a noisy machine hits both sides alike?"""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ROUNDS = 5


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


Bench = Callable[[], Coroutine[Any, Any, list[Comparison]]]


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
        """Return the ratio in words, with the lowest and the highest round's behind it."""
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
