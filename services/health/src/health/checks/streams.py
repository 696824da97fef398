"""The streams take what is published.

80 %: at the pace of a usual week MARKET then still has a day. 99 %: the largest message may no longer
fit, and what does not fit is refused. What could not be published is a flaw whatever the cause: once its
disk was full, JetStream answers questions and stores nothing until it is started again. Part of `scheduler`.
"""

from __future__ import annotations

from collections.abc import Iterator

from health.domain import Facts, StreamFill

WARNING_RATIO = 0.8
FULL_RATIO = 0.99


def judge_streams(facts: Facts) -> Iterator[tuple[str, str]]:
    """Yield status and sentence of each stream that is filling up, full or gone, or takes nothing."""
    if facts.bus_error:
        return
    if facts.streams.error:
        yield "unhealthy", facts.streams.error
    for fill in facts.streams.fills:
        yield from _judge(fill)
    for live in facts.instances:
        if live.silent_seconds is None and live.state.bus_problem:
            yield "unhealthy", f"{live.state.instance}: {live.state.bus_problem}"


def _judge(fill: StreamFill) -> Iterator[tuple[str, str]]:
    if fill.is_missing:
        yield "unhealthy", f"the stream {fill.name} is gone; it is made again within seconds"
    elif fill.ratio >= FULL_RATIO:
        yield "unhealthy", f"the stream {_filled(fill)} and refuses new messages"
    elif fill.ratio >= WARNING_RATIO:
        yield "warning", f"the stream {_filled(fill)}; when it is full it refuses new messages"


def _filled(fill: StreamFill) -> str:
    return f"{fill.name} is {100 * fill.ratio:.0f} % full"
