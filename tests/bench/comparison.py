"""What is one comparison, and how is it measured so that a noisy machine hits both sides alike?"""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Coroutine, Mapping
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


async def side_by_side(
    sides: Mapping[str, Callable[[], Awaitable[float]]], *, rounds: int = ROUNDS
) -> dict[str, float]:
    """Measure every side once a round, in turn; returns each side's median."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            taken[name].append(await side())
    return {name: statistics.median(values) for name, values in taken.items()}


def percentile(values: list[float], share: float) -> float:
    """Return the value that `share` (0..1) of all are not above."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
