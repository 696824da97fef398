"""Environment of a process that a test starts."""

from __future__ import annotations

import os

# Set while coverage measures: children are measured too.
MEASURING = "COVERAGE_PROCESS_CONFIG"


def surroundings(**environment: str) -> dict[str, str]:
    """Return an environment that knows of no stack but the given one, as UTF-8 as any terminal today."""
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **environment}


def measured(**environment: str) -> dict[str, str]:
    """Return the same for a service that coverage measures, where it measures at all."""
    measuring = {MEASURING: os.environ[MEASURING]} if MEASURING in os.environ else {}
    return surroundings(**measuring, **environment)


def unmeasured(**environment: str) -> dict[str, str]:
    """Return the test's own environment for a process that coverage leaves alone.

    Measuring costs a process half a second; simulators and commands have nothing to measure, and the services
    of a whole stack little that the same services on their own don't show.
    """
    own = {name: value for name, value in os.environ.items() if name != MEASURING}
    return {**own, **environment}
