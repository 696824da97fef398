"""Is anything lost or doubled? What the exchange has, what the streams hold, and what the tables hold."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import nats as nats_client

from common.clock import MINUTE
from common.events import CandlesClosed, SignalGenerated
from common.streams import STORE_CANDLES
from harness.servers import Servers
from integration.common.speaking import kept
from servers.simulators import Simulator
from servers.waiting import eventually

if TYPE_CHECKING:
    import asyncpg

    Connection: TypeAlias = asyncpg.Connection[Any]

Minute = tuple[str, datetime]
# What one request at the exchange brings.
WINDOW_MINUTES = 200


async def missed_at_exchange(upbit: Simulator, admin: Connection, market: str) -> list[datetime]:
    """Return the exchange's newest minutes, up to the newest stored one, that were not stored."""
    newest = await admin.fetchval("SELECT max(timestamp) FROM market_data WHERE symbol = $1", market)
    stored = await stored_minutes(admin)
    until = f"{newest + MINUTE:%Y-%m-%dT%H:%M:%SZ}"
    path = f"/v1/candles/minutes/1?market={market}&count={WINDOW_MINUTES}&to={until}"
    rows = await asyncio.to_thread(upbit.get, path)
    minutes = [datetime.fromisoformat(row["candle_date_time_utc"]).replace(tzinfo=UTC) for row in rows]
    assert len(minutes) == WINDOW_MINUTES
    return sorted(minute for minute in minutes if (market, minute) not in stored)


async def stored_minutes(admin: Connection) -> set[Minute]:
    """Return every candle in the table, by market and open time."""
    rows = await admin.fetch("SELECT symbol, timestamp FROM market_data")
    return {(row["symbol"], row["timestamp"]) for row in rows}


async def published_minutes(running: Servers) -> set[Minute]:
    """Return every candle that was published, by market and open time."""
    client = await nats_client.connect(running.nats.url())
    try:
        pages = [
            CandlesClosed.model_validate_json(message.data or b"")
            for message in await kept(client.jetstream(), "MARKET")
        ]
    finally:
        await client.close()
    return {(page.market, candle.timestamp) for page in pages for candle in page.candles}


async def doubled_signals(running: Servers) -> list[Minute]:
    """Return the interval ends for which more than one signal was published."""
    client = await nats_client.connect(running.nats.url())
    try:
        events = [
            SignalGenerated.model_validate_json(message.data or b"")
            for message in await kept(client.jetstream(), "SIGNALS")
        ]
    finally:
        await client.close()
    counted = Counter((event.market, event.candle_timestamp) for event in events)
    return [end for end, count in counted.items() if count > 1]


async def until_all_stored(running: Servers, within: float) -> None:
    """Wait until the store consumer has nothing pending and nothing in flight."""
    client = await nats_client.connect(running.nats.url())
    jetstream = client.jetstream()

    async def has_caught_up() -> bool:
        info = await jetstream.consumer_info(STORE_CANDLES.stream, STORE_CANDLES.name)
        return not info.num_pending and not info.num_ack_pending

    try:
        await eventually(has_caught_up, within)
    finally:
        await client.close()
