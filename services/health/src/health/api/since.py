"""Since when is something as it is? Pure: moments come from the caller."""

from __future__ import annotations

from datetime import datetime


class Since:
    """Remembers when each named thing took the status that it has."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, datetime]] = {}

    def note(self, name: str, status: str, now: datetime) -> datetime:
        """Take note of a status and return since when it holds."""
        known = self._known.get(name)
        if known is None or known[0] != status:
            known = self._known[name] = (status, now)
        return known[1]
