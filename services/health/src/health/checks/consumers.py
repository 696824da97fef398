"""Pages that were published are also handled.

A job that publishes succeeds while nothing is stored: the consumer is gone, or every page is handed back. So
each consumer's reader tells how long no message of it was finished. Its patience is how long one message may
take; three times that is a standstill. Part of `scheduler`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from common.events import ConsumerState
from health.domain import Facts, in_words

UNHEALTHY_TIMES = 3


def judge_consumers(facts: Facts) -> Iterator[tuple[str, str]]:
    """Yield status and sentence of each consumer that is lost or stands still.

    Replicas share a consumer; the one that sees it move is right.
    """
    seen: dict[str, ConsumerState] = {}
    for live in facts.instances:
        for state in live.state.consumers if live.silent_seconds is None else ():
            best = seen.setdefault(state.name, state)
            if (state.lost, state.stuck_seconds) < (best.lost, best.stuck_seconds):
                seen[state.name] = state
    for state in seen.values():
        if state.lost:
            yield "unhealthy", f"the consumer {state.name} is gone; it is made again within seconds"
        elif state.stuck_seconds > state.patience_seconds:
            standstill = state.stuck_seconds > UNHEALTHY_TIMES * state.patience_seconds
            waited = in_words(timedelta(seconds=state.stuck_seconds))
            yield (
                "unhealthy" if standstill else "warning",
                f"{state.name}: {state.pending} pages wait, none was finished for {waited}",
            )
