"""Race of a config change with its readers: the old value must not outlive the change."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from common.bus.broker import Bus
from common.cache import TTLCache
from common.config.keys import BACKFILL_DAYS
from common.config.repository import ConfigRepository
from common.config.watch import ConfigWatch
from common.database.pool import Database, Share
from faults.stack.stages import empty_stack
from faults.weakening.weakenings import Build, Flaw, UncheckedCache
from servers.proxy import proxy
from servers.waiting import eventually

# A load is two round trips to PostgreSQL, a change five without the delay: they overlap.
DELAY_SECONDS = 0.008
RECEIVED_SECONDS = 10.0
# The promise: seen within 2 s of the commit while the bus is up.
SEEN_SECONDS = 2.0
READERS = 3


async def stale_values(build: Build, chance: random.Random) -> AsyncGenerator[Flaw, None]:
    """Change a setting while it is read; see an old value that is still served two seconds later.

    The reader compares revisions too, which finds changes without an event, but this one has one.
    """
    cache: Any = UncheckedCache() if "no_generation_check" in build else TTLCache()
    async with empty_stack({}) as (running, _), proxy(running.postgres.port) as line:
        reading = line.url(running.database_url("collector"))
        async with (
            _instance(running.postgres.url(), running.nats.url("cli"), TTLCache()) as setter,
            _instance(reading, running.nats.url("collector"), cache) as reader,
        ):
            line.delay_seconds = DELAY_SECONDS
            for number in itertools.count():
                value = number % 30 + 1
                revision = await _race(setter, reader, value, chance)
                await eventually(lambda revision=revision: reader.revision >= revision, RECEIVED_SECONDS)  # type: ignore[misc]
                yield await _stale(reader, value)


async def _race(setter: ConfigRepository, reader: ConfigRepository, value: int, chance: random.Random) -> int:
    """Read and change at the same time; returns the change's revision."""
    # As its time, or a reconnect, drops the copy: only a load can race.
    await reader.cache.invalidate()

    async def read() -> None:
        await asyncio.sleep(chance.uniform(0, DELAY_SECONDS))
        await reader.get(BACKFILL_DAYS)

    async def change() -> int:
        await asyncio.sleep(chance.uniform(0, 2 * DELAY_SECONDS))
        return await setter.set_value("backfill_days", value, changed_by="faults")

    changed = asyncio.create_task(change())
    await asyncio.gather(changed, *(read() for _ in range(READERS)))
    return changed.result()


async def _stale(reader: ConfigRepository, value: int) -> Flaw:
    async def is_new() -> bool:
        return await reader.get(BACKFILL_DAYS) == value

    if await is_new():
        return None
    try:
        await eventually(is_new, SEEN_SECONDS)
    except AssertionError:
        await reader.refresh()
        outlived = "" if await is_new() else " and outlived a comparison of revisions"
        return f"an old value was served for {SEEN_SECONDS:.0f} s{outlived}"
    return None


@asynccontextmanager
async def _instance(database_url: str, nats_url: str, cache: Any) -> AsyncIterator[ConfigRepository]:
    """Connect one, as far as its settings go."""
    bus = Bus(nats_url, service="faults", instance="faults")
    database = Database(database_url, service="faults", share=Share(1, 4))
    config = ConfigRepository(database, cache, bus.publish)
    watch = ConfigWatch(bus, config)

    try:
        await bus.connect()
        await database.open()
        await config.refresh()
        await bus.start()
        yield config
    finally:
        await watch.stop()
        await bus.close()
        await database.close()
