"""Publish failures: the streams that do not take what this process publishes (full, gone, full disk)."""

from __future__ import annotations

import time

# A publisher tries again within seconds; one that no longer does has nothing to publish.
SHOWN_SECONDS = 15.0


class PublishFailures:
    """The newest refusal of each stream, until it takes a message again."""

    def __init__(self) -> None:
        self._refused: dict[str, tuple[str, float]] = {}

    def record_success(self, stream: str) -> None:
        """Record that the stream has taken a message."""
        self._refused.pop(stream, None)

    def record_failure(self, stream: str, reason: str) -> None:
        """Record that the stream has not taken a message, and why."""
        self._refused[stream] = (reason, time.monotonic())

    def connection_ended(self) -> None:
        """Forget all: without a connection nothing is taken, whatever the stream."""
        self._refused.clear()

    @property
    def problem(self) -> str | None:
        """Say which streams take nothing, and why; None when all is well."""
        now = time.monotonic()
        failing = [
            f"{stream} takes nothing: {reason}"
            for stream, (reason, at) in self._refused.items()
            if now - at < SHOWN_SECONDS
        ]
        return "; ".join(failing) or None
