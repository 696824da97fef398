"""Weakenings: each takes one protection out of a build, to prove that its absence is noticed."""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import nats.aio.msg

import common.runtime.runtime
from common.bus.delivery import Dispatcher
from common.clock import MINUTE
from common.database.pool import Database
from common.events import CandlesClosed, SignalGenerated
from harness.servers import postgres_connection

# The names of the weakenings in a build; none is the healthy one.
Build: TypeAlias = tuple[str, ...]
# What an oracle saw after a fault: None where all is as it must be.
Flaw: TypeAlias = str | None

UNIQUE_KEYS = """
DROP INDEX idx_market_data_symbol_timestamp;
CREATE INDEX idx_market_data_symbol_timestamp ON market_data (symbol, timestamp DESC);
ALTER TABLE trading_signals DROP CONSTRAINT trading_signals_symbol_candle_timestamp;
ALTER TABLE trading_signals DROP CONSTRAINT trading_signals_pkey CASCADE;
ALTER TABLE signals_to_tell DROP CONSTRAINT signals_to_tell_pkey;
"""
_ON_CONFLICT = re.compile(r"\s+ON CONFLICT \(symbol, \w+\) DO (NOTHING|UPDATE\b.*)", re.DOTALL)
# What a first start asks for; anything shorter is a hole.
FIRST_BACKFILL = timedelta(days=1)


def no_dedupe_id() -> None:
    """Take the page's and the signal's own id from what is published: each publish is a new message."""
    for event in (CandlesClosed, SignalGenerated):
        _replace(event, "message_id", lambda _: uuid.uuid4().hex)


def no_unique_key() -> None:
    """Insert candles and signals without asking whether they are there; needs `drop_unique_keys` first."""
    for name in ("connection", "transaction"):
        _replace(Database, name, _lend_plain(getattr(Database, name)))


def ack_before_commit() -> None:
    """Acknowledge every message before its handler has begun."""
    whole = Dispatcher.handle

    async def acknowledged(self: Dispatcher, message: Any, *arguments: Any) -> None:
        await message.ack()
        await whole(self, message, *arguments)

    _replace(Dispatcher, "handle", acknowledged)


def no_gap_repair() -> None:
    """Look back at nothing: no gap_repair, and neither a start nor a reconnect asks for what was missed.

    Only the newest closed minute is collected, and a first start's backfill, which repairs nothing.
    """
    from collector import candle_collector as collect
    from collector import domain
    from collector.jobs import CollectorJobs

    def newest_only(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        return domain.page_ranges(start if end - start >= FIRST_BACKFILL else max(start, end - MINUTE), end)

    async def nothing(_: CollectorJobs, __: object) -> None:
        pass

    _replace(collect, "page_ranges", newest_only)
    _replace(CollectorJobs, "repair_gaps", nothing)


def no_generation_check() -> None:
    """Keep what a load gave, whatever was dropped while it ran."""
    _replace(common.runtime.runtime, "TTLCache", UncheckedCache)


def no_nack_delay() -> None:
    """Hand every message back at once."""
    whole = nats.aio.msg.Msg.nak

    async def at_once(self: nats.aio.msg.Msg, delay: float | None = None) -> None:
        await whole(self)

    _replace(nats.aio.msg.Msg, "nak", at_once)


WEAKENINGS: dict[str, Callable[[], None]] = {
    weakening.__name__: weakening
    for weakening in (
        no_dedupe_id,
        no_unique_key,
        ack_before_commit,
        no_gap_repair,
        no_generation_check,
        no_nack_delay,
    )
}


async def drop_unique_keys(admin_url: str) -> None:
    """Take the keys out of the tables that `no_unique_key` writes to."""
    async with postgres_connection(admin_url) as connection:
        await connection.execute(UNIQUE_KEYS)


def _replace(owner: object, name: str, by: object) -> None:
    setattr(owner, name, by)


class UncheckedCache:
    """`common.cache.TTLCache` as one writes it first: an event deletes the key, a load puts its value.

    Args:
        ttl_seconds: Not looked at: no process here lives for an hour.
    """

    def __init__(self, ttl_seconds: float = 3600) -> None:
        self._values: dict[str, Any] = {}
        self._hits = self._misses = 0

    async def get_or_set(self, key: str, factory: Callable[[], Awaitable[Any]]) -> Any:
        """Return the kept value, or the one that `factory` gives, and keep it."""
        if key in self._values:
            self._hits += 1
            return self._values[key]
        self._misses += 1
        self._values[key] = value = await factory()
        return value

    async def invalidate(self, key: str | None = None) -> None:
        """Drop one key, or all with None."""
        if key is None:
            self._values.clear()
        else:
            self._values.pop(key, None)

    def stats(self) -> dict[str, int | float]:
        """Return the counters as `TTLCache` does."""
        reads = self._hits + self._misses
        hit_rate = round(100 * self._hits / reads, 2) if reads else 0
        return {"hits": self._hits, "misses": self._misses, "hit_rate": hit_rate, "waits": 0}


class _PlainInserts:
    """A connection that gives an upsert to PostgreSQL without its ON CONFLICT."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def execute(self, query: str, *arguments: Any, **named: Any) -> Any:
        return await self._connection.execute(plain(query), *arguments, **named)

    async def fetchrow(self, query: str, *arguments: Any, **named: Any) -> Any:
        return await self._connection.fetchrow(plain(query), *arguments, **named)


def plain(query: str) -> str:
    """Return a statement without its ON CONFLICT; its RETURNING stays."""
    return _ON_CONFLICT.sub("", query)


def _lend_plain(
    lend: Callable[[Database], AbstractAsyncContextManager[Any]],
) -> Callable[[Database], AbstractAsyncContextManager[Any]]:
    @asynccontextmanager
    async def lent(self: Database) -> AsyncIterator[Any]:
        async with lend(self) as connection:
            yield _PlainInserts(connection)

    return lent
