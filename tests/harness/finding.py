"""What is one measured promise?"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One row of the table: what was promised, what was measured, and whether that is enough."""

    promise: str
    what: str
    bar: str
    measured: str
    holds: bool


Measure = Callable[[], Coroutine[Any, Any, list[Finding]]]
