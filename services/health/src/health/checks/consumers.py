"""Pages that were published are also handled.

A job that publishes succeeds while nothing is stored: the consumer is gone, or every page is handed back. So
each consumer's reader reports for how long no message was finished. Its patience is how long one message may
take; three times that is a standstill. Part of `scheduler`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from health.domain import Facts, in_words

UNHEALTHY_TIMES = 3


def judge_consumers(facts: Facts) -> Iterator[tuple[str, str]]:
    """Yield status and sentence of each consumer that is lost or stands still."""
    for state in facts.consumers():
        if state.lost:
            yield "unhealthy", f"the consumer {state.name} is gone; it is made again within seconds"
        elif state.stuck_seconds > state.patience_seconds:
            standstill = state.stuck_seconds > UNHEALTHY_TIMES * state.patience_seconds
            waited = in_words(timedelta(seconds=state.stuck_seconds))
            yield (
                "unhealthy" if standstill else "warning",
                f"{state.name}: {state.pending} pages wait, none was finished for {waited}",
            )
