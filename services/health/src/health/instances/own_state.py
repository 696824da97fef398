"""What does this instance know of itself, also while nobody can hear it?"""

from __future__ import annotations

from common.events import ComponentReport
from common.runtime.runtime import Runtime


class OwnState:
    """Makes the report that others send over the bus."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def __call__(self) -> ComponentReport:
        """Return the report of this moment."""
        return self._runtime.report()
