"""Records: what the tables, the streams and the exchange hold at one moment, read as the administrator."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig

from common.clock import MINUTE
from common.events import CandlesClosed, SignalGenerated
from common.settings import nats_servers
from common.streams import Consumer
from harness.servers import nats_connection, postgres_connection
from servers.simulators import Simulator
from servers.waiting import eventually

Minute = tuple[str, datetime]
# What one request at the exchange brings.
WINDOW_MINUTES = 200
AT_ONCE = 500
READ_SECONDS = 10.0


@dataclass(frozen=True)
class Tables:
    """What PostgreSQL holds: closes by market and minute, gap ranges by status, signal intervals by id."""

    closes: dict[str, dict[datetime, Decimal]]
    gaps: list[tuple[str, datetime, datetime, str]]
    signals: dict[str, Minute]
    rows: int

    @property
    def minutes(self) -> set[Minute]:
        """Every candle, by market and open time."""
        return {(market, minute) for market, closes in self.closes.items() for minute in closes}

    def covers(self, market: str, minute: datetime) -> bool:
        """Tell whether a minute has a candle or is proven empty."""
        return minute in self.closes.get(market, {}) or any(
            name == market and start <= minute < end and status != "open"
            for name, start, end, status in self.gaps
        )


async def read_tables(database_url: str) -> Tables:
    """Read everything, as bongsu_admin."""
    async with postgres_connection(database_url, timeout=5) as connection:
        candles = await connection.fetch("SELECT symbol, timestamp, close FROM market_data")
        gaps = await connection.fetch("SELECT symbol, from_time, to_time, status FROM candle_gaps")
        signals = await connection.fetch("SELECT id::text, symbol, candle_timestamp FROM trading_signals")
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

    @property
    def minutes(self) -> set[Minute]:
        """Every published candle, by market and open time."""
        return {(page.market, candle.timestamp) for page in self.pages for candle in page.candles}

    @property
    def intervals(self) -> Counter[Minute]:
        """How often a signal was published, by market and the interval's last minute."""
        return Counter((signal.market, signal.candle_timestamp) for signal in self.signals)

    @property
    def doubled_signals(self) -> list[Minute]:
        """The intervals for which more than one signal was published."""
        return [interval for interval, count in self.intervals.items() if count > 1]


async def read_streams(nats_urls: str) -> Streams:
    """Read MARKET, SIGNALS and DEAD whole."""
    async with nats_connection(nats_servers(nats_urls)) as client:
        jetstream = client.jetstream()
        market, signals, dead = [
            await read_messages(jetstream, name) for name in ("MARKET", "SIGNALS", "DEAD")
        ]
    return Streams(
        [CandlesClosed.model_validate_json(message.data) for message in market],
        [SignalGenerated.model_validate_json(message.data) for message in signals],
        [f"{message.subject}: {(message.headers or {}).get('Bongsu-Reason')}" for message in dead],
    )


async def read_messages(jetstream: JetStreamContext, stream: str) -> list[Msg]:
    """Return all that a stream holds now, oldest first, and change nothing."""
    subjects = (await jetstream.stream_info(stream)).config.subjects or []
    reader = await jetstream.pull_subscribe(
        subjects[0],
        stream=stream,
        config=ConsumerConfig(ack_policy=AckPolicy.NONE, mem_storage=True, inactive_threshold=READ_SECONDS),
    )
    waiting = (await reader.consumer_info()).num_pending or 0
    messages: list[Msg] = []
    while len(messages) < waiting:
        messages += await reader.fetch(min(AT_ONCE, waiting - len(messages)), timeout=READ_SECONDS)
    await reader.unsubscribe()
    return messages


async def missed_at_exchange(upbit: Simulator, tables: Tables, market: str) -> list[datetime]:
    """Return the exchange's newest minutes, up to the newest stored one, that were not stored."""
    stored = tables.closes[market]
    until = f"{max(stored) + MINUTE:%Y-%m-%dT%H:%M:%SZ}"
    path = f"/v1/candles/minutes/1?market={market}&count={WINDOW_MINUTES}&to={until}"
    rows = await asyncio.to_thread(upbit.get, path)
    minutes = [datetime.fromisoformat(row["candle_date_time_utc"]).replace(tzinfo=UTC) for row in rows]
    assert len(minutes) == WINDOW_MINUTES
    return sorted(minute for minute in minutes if minute not in stored)


async def until_handled(nats_url: str, consumer: Consumer, within: float) -> None:
    """Wait until a consumer has nothing pending and nothing in flight."""
    async with nats_connection(nats_url) as client:

        async def is_handled() -> bool:
            info = await client.jetstream().consumer_info(consumer.stream, consumer.name)
            return not info.num_pending and not info.num_ack_pending

        await eventually(is_handled, within)
