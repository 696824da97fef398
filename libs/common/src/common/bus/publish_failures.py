"""Which streams do not take what this process publishes: full, gone, or on a full disk?"""

from __future__ import annotations

import time

# Whoever publishes tries again within seconds; who no longer does has nothing to publish.
SHOWN_SECONDS = 15.0


class PublishFailures:
    """The newest refusal of each stream, until it takes a message again."""

    def __init__(self) -> None:
        self._refused: dict[str, tuple[str, float]] = {}

    def given(self, stream: str) -> None:
        """The stream has taken a message."""
        self._refused.pop(stream, None)

    def missing(self, stream: str, reason: str) -> None:
        """The stream has not taken a message."""
        self._refused[stream] = (reason, time.monotonic())

    def connection_ended(self) -> None:
        """Forget all: without a connection nothing is taken, whatever the stream."""
        self._refused.clear()

    @property
    def problem(self) -> str | None:
        """Say which streams take nothing, and why; None when all is well."""
        now = time.monotonic()
        told = [
            f"{stream} takes nothing: {reason}"
            for stream, (reason, at) in self._refused.items()
            if now - at < SHOWN_SECONDS
        ]
        return "; ".join(told) or None
