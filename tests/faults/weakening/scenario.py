"""What is a scenario? Faults, one after another, and behind each what its oracle saw."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Callable
from typing import TypeAlias

# What is broken in the build: names of weakenings, none for the healthy one.
Build: TypeAlias = tuple[str, ...]
# None where all is as it ought to be.
Seen: TypeAlias = str | None
Scenario: TypeAlias = Callable[[Build, random.Random], AsyncGenerator[Seen, None]]
