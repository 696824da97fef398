"""What should be in the tables and the streams, and what is? Each flaw is a text; [] when all is well."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import nats as nats_client

from common.clock import MINUTE
from common.events import CandlesClosed, SignalGenerated
from common.settings import nats_servers
from common.telemetry.names import LogEvent
from faults.inputs.load_generator import CANDLES_A_PAGE, MARKET, Witness, candle
from faults.inputs.recording import Book
from integration.common.speaking import kept

HASTY_TIMES = 10
HASTY_SPAN = timedelta(seconds=2)


@dataclass(frozen=True)
class Tables:
    """What PostgreSQL holds: closes by market and minute, gap ranges by status, signal ids by interval."""

    closes: dict[str, dict[datetime, Decimal]]
    gaps: list[tuple[str, datetime, datetime, str]]
    signals: dict[str, tuple[str, datetime]]
    rows: int

    def covers(self, market: str, minute: datetime) -> bool:
        """Tell whether a minute has a candle or is proven empty."""
        return minute in self.closes.get(market, {}) or any(
            name == market and start <= minute < end and status != "open"
            for name, start, end, status in self.gaps
        )


async def read_tables(database_url: str) -> Tables:
    """Read everything, as bongsu_admin."""
    connection = await asyncpg.connect(database_url, timeout=5)
    try:
        candles = await connection.fetch("SELECT symbol, timestamp, close FROM market_data")
        gaps = await connection.fetch("SELECT symbol, from_time, to_time, status FROM candle_gaps")
        signals = await connection.fetch("SELECT id::text, symbol, candle_timestamp FROM trading_signals")
    finally:
        await connection.close(timeout=2)
    closes: dict[str, dict[datetime, Decimal]] = {}
    for row in candles:
        closes.setdefault(row["symbol"], {})[row["timestamp"]] = row["close"]
    return Tables(
        closes,
        [tuple(row) for row in gaps],
        {row["id"]: (row["symbol"], row["candle_timestamp"]) for row in signals},
        len(candles),
    )


@dataclass(frozen=True)
class Streams:
    """What the streams hold, oldest first."""

    pages: list[CandlesClosed]
    signals: list[SignalGenerated]
    dead: list[str]


async def read_streams(nats_urls: str) -> Streams:
    """Read MARKET, SIGNALS and DEAD whole, as the administrator."""
    client = await nats_client.connect(nats_servers(nats_urls))
    try:
        jetstream = client.jetstream()
        market, signals, dead = [await kept(jetstream, name) for name in ("MARKET", "SIGNALS", "DEAD")]
    finally:
        await client.close()
    return Streams(
        [CandlesClosed.model_validate_json(message.data or b"") for message in market],
        [SignalGenerated.model_validate_json(message.data or b"") for message in signals],
        [f"{message.subject}: {(message.headers or {}).get('Bongsu-Reason')}" for message in dead],
    )


def due_minutes(book: Book, until: datetime, since: datetime) -> Iterable[tuple[str, datetime]]:
    """Yield every minute of every market in [since, until), traded in or not."""
    for market in book.closes:
        minute = since
        while minute < until:
            yield market, minute
            minute += MINUTE


def missing(book: Book, tables: Tables, until: datetime) -> list[str]:
    """Return the due minutes that are neither stored as the exchange has them nor proven empty."""
    found = []
    for market, closes in book.closes.items():
        stored = tables.closes.get(market, {})
        # The collector begins with the first candle it meets; what it never reached is behind `until`.
        since = min(stored, default=until)
        for name, minute in due_minutes(Book({market: closes}, book.end), until, since):
            expected = closes.get(minute)
            if stored.get(minute) != expected:
                found.append(f"{name} {minute:%H:%M}: {stored.get(minute)} instead of {expected}")
            elif expected is None and not tables.covers(name, minute):
                found.append(f"{name} {minute:%H:%M}: empty, and not proven so")
    return found


def lost(witness: Witness, before: Tables, streams: Streams, tables: Tables) -> list[str]:
    """Return what was acknowledged, or is in a stream, and had no effect.

    Args:
        before: The tables before the streams were read; `tables` after that.
    """
    stored = tables.closes.get(MARKET, {})
    minutes = [start + number * MINUTE for start in witness.acked for number in range(CANDLES_A_PAGE)]
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
    told = {signal.signal_id for signal in streams.signals}
    untold = {name: signal for name, signal in before.signals.items() if name not in told}
    return found + [f"signal {market} {at:%H:%M} untold" for market, at in untold.values()]


def doubled(tables: Tables, streams: Streams) -> list[str]:
    """Return what happened twice: a page, a candle, a signal."""
    bodies = Counter(page.message_id() for page in streams.pages)
    ids = Counter(signal.signal_id for signal in streams.signals)
    intervals = Counter((signal.market, signal.candle_timestamp) for signal in streams.signals)
    counted: list[Counter[Any]] = [bodies, ids, intervals, Counter(tables.signals.values())]
    found = [f"{key} {times} times" for counts in counted for key, times in counts.items() if times > 1]
    unique = sum(len(closes) for closes in tables.closes.values())
    if tables.rows != unique:
        found.append(f"{tables.rows - unique} candles have more than one row")
    unstored = [signal for signal in streams.signals if signal.signal_id not in tables.signals]
    return found + [f"signal {signal.signal_id} is told, but not stored" for signal in unstored]


def hasty(logs: Iterable[Path]) -> list[str]:
    """Return the messages that one process handed back more than ten times within two seconds."""
    times: defaultdict[tuple[str, str, int], list[datetime]] = defaultdict(list)
    for log in logs:
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            if LogEvent.MESSAGE_HANDED_BACK in line and line.startswith("{"):
                told = json.loads(line)
                key = (told["service"], told["instance"], told["sequence"])
                times[key].append(datetime.fromisoformat(told["timestamp"]))
    return [
        f"{service}: message {sequence}"
        for (service, _, sequence), moments in times.items()
        if any(
            later - first < HASTY_SPAN for first, later in zip(moments, moments[HASTY_TIMES:], strict=False)
        )
    ]
