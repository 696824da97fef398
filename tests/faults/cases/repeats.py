"""Repeated and contradicting pages: only a newer page of a known minute has an effect."""

from __future__ import annotations

from datetime import timedelta

from common.events import CandlesClosed
from common.telemetry.names import LogEvent
from faults.inputs.sending import page
from faults.oracles.fuzz import Fuzzed
from faults.oracles.service_logs import count_events
from harness.finding import Finding
from harness.stack import Stack

REPEATED = 50
PACE = 50.0


async def send_repeats(fuzzed: Fuzzed, stack: Stack, promise: str) -> Finding:
    """Send pages again, the same or another of the same minute, in five ways; returns one row."""
    sender = fuzzed.sender
    known = len(sender.sent.good)
    # New ones: the stream remembers an id for two minutes.
    await sender.send_good(5 * REPEATED, pace=PACE)
    await fuzzed.settled(sender.sent.good)
    newest = [*sender.sent.good.values()][known:]
    same, same_id, same_moment, older, newer = (newest[part::5] for part in range(5))
    refused = [
        answer for answer in await sender.send_again(map(_other, same_id), as_id_of=True) if answer.duplicate
    ]
    sent = [
        *await sender.send_again(same),
        *await sender.send_again(map(_other, same_moment)),
        *await sender.send_again(_other(each, minutes=-1) for each in older),
        *await sender.send_again(_other(each, minutes=1) for each in newer),
    ]
    await fuzzed.settled(answer.seq for answer in sent)
    unchanged = [*same, *same_id, *same_moment, *older]
    expected = [(each.candles[0].close, 1) for each in unchanged] + [
        (_other(each).candles[0].close, 2) for each in newer
    ]
    rows = await fuzzed.stored([*unchanged, *newer])
    wrong = sum(row != wanted for row, wanted in zip(rows, expected, strict=True))
    reported = count_events(stack.collector.log)[LogEvent.CANDLES_CONTRADICTED]
    return Finding(
        promise,
        f"{len(newest)} good pages sent again: as they were; another under the same id; another of the same"
        " moment; an older one; a newer one",
        "only the newer has an effect, once; the stream tells of a known id; what contradicts is reported",
        f"{wrong} rows not as they should be, {len(refused)} of {len(same_id)} ids called known,"
        f" {reported} of {len(same_moment)} contradictions reported",
        holds=not wrong and len(refused) == len(same_id) and reported == len(same_moment),
    )


def _other(good: CandlesClosed, minutes: int = 0) -> CandlesClosed:
    """Return a page that says otherwise of the same minute."""
    return page(
        good.market,
        good.covers_from,
        close=int(good.candles[0].close) + 1,
        collected_at=good.collected_at + timedelta(minutes=minutes),
    )
