"""Invariants of the whole stack: nothing lost, doubled or missing; each flaw is a text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from common.clock import MINUTE
from faults.inputs.load_generator import CANDLES_A_PAGE, MARKET, LoadGenerator, candle
from faults.inputs.recording import Recording
from harness.records import Streams, Tables


def due_minutes(recording: Recording, until: datetime, since: datetime) -> Iterable[tuple[str, datetime]]:
    """Yield every minute of every market in [since, until), traded in or not."""
    for market in recording.closes:
        minute = since
        while minute < until:
            yield market, minute
            minute += MINUTE


def missing(recording: Recording, tables: Tables, until: datetime) -> list[str]:
    """Return the due minutes that are neither stored as the exchange has them nor proven empty."""
    found = []
    for market, closes in recording.closes.items():
        stored = tables.closes.get(market, {})
        # The collector begins with the first candle it meets; what it never reached comes after `until`.
        since = min(stored, default=until)
        for name, minute in due_minutes(Recording({market: closes}, recording.end), until, since):
            expected = closes.get(minute)
            if stored.get(minute) != expected:
                found.append(f"{name} {minute:%H:%M}: {stored.get(minute)} instead of {expected}")
            elif expected is None and not tables.covers(name, minute):
                found.append(f"{name} {minute:%H:%M}: empty, and not proven so")
    return found


def lost(load: LoadGenerator, before: Tables, streams: Streams, tables: Tables) -> list[str]:
    """Return what was acknowledged, or is in a stream, and had no effect.

    Args:
        before: The tables before the streams were read; `tables` after that.
    """
    stored = tables.closes.get(MARKET, {})
    minutes = [start + number * MINUTE for start in load.acked for number in range(CANDLES_A_PAGE)]
    found = [
        f"acked {MARKET} {minute:%d %H:%M}"
        for minute in minutes
        if stored.get(minute) != candle(minute).close
    ]
    for page in streams.pages:
        own = tables.closes.get(page.market, {})
        found += [
            f"published {page.market} {one.timestamp:%d %H:%M}"
            for one in page.candles
            if one.timestamp not in own
        ]
    published = {signal.signal_id for signal in streams.signals}
    missing_signals = [signal for name, signal in before.signals.items() if name not in published]
    return found + [f"signal {market} {at:%H:%M} not published" for market, at in missing_signals]


def doubled(tables: Tables, streams: Streams) -> list[str]:
    """Return what happened twice: a page, a candle, a signal."""
    bodies = Counter(page.message_id() for page in streams.pages)
    ids = Counter(signal.signal_id for signal in streams.signals)
    counted: list[Counter[Any]] = [bodies, ids, streams.intervals, Counter(tables.signals.values())]
    found = [f"{key} {times} times" for counts in counted for key, times in counts.items() if times > 1]
    if extra := tables.rows - len(tables.minutes):
        found.append(f"{extra} candles have more than one row")
    unstored = [signal for signal in streams.signals if signal.signal_id not in tables.signals]
    return found + [f"signal {signal.signal_id} is published, but not stored" for signal in unstored]
