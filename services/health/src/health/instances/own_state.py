"""What does this instance know of itself, also while nobody can hear it?"""

from __future__ import annotations

import time

from common.clock import utc_now
from common.events import ComponentReport
from common.runtime.runtime import Runtime


class OwnState:
    """Makes the report that others send over the bus."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._started_at = utc_now()
        self._started = time.monotonic()

    def __call__(self) -> ComponentReport:
        """Return the report of this moment."""
        runtime = self._runtime
        return ComponentReport.model_validate(
            {
                "service": runtime.service,
                "instance": runtime.instance,
                "version": runtime.version,
                "started_at": self._started_at,
                "uptime_s": round(time.monotonic() - self._started, 1),
                "sent_at": utc_now(),
                **runtime.figures(),
            }
        )
