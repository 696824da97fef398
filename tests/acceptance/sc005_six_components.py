"""SC-005: is every component shown healthy, warning and unhealthy in time, and does an answer always come?"""

from __future__ import annotations

from acceptance.promises.sc005_stored import measure_stored
from acceptance.promises.sc005_vendors import measure_vendors
from harness.finding import Finding


async def measure() -> list[Finding]:
    """Return a row per component, one for the load, one for the frozen stack; takes about four minutes."""
    return [*await measure_stored(), *await measure_vendors()]
