"""The lines that a process logged, as a reader of the log finds them."""

from __future__ import annotations

import io
import json
from typing import Any


class Printed:
    """Everything logged since the test began; `out` stands for standard output."""

    def __init__(self) -> None:
        self.out = io.StringIO()

    @property
    def text(self) -> str:
        """All of it."""
        return self.out.getvalue()

    def lines(self, event: str | None = None) -> list[dict[str, Any]]:
        """Return the JSON lines, all or those of one event."""
        found = [json.loads(line) for line in self.text.splitlines()]
        return [line for line in found if event is None or line["event"] == event]
