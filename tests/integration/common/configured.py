"""One instance of a service as far as its settings go: pool, bus, repository and watch of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

from common.bus.broker import Bus
from common.cache import TTLCache
from common.config.repository import ConfigRepository
from common.config.watch import ConfigWatch
from common.database.pool import Database, Share

if TYPE_CHECKING:
    ByHand: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    ByHand = Any


@dataclass
class Instance:
    """What reads and sets; `notified` has the revision at each call of its listener."""

    bus: Bus
    database: Database
    config: ConfigRepository
    watch: ConfigWatch
    notified: list[int] = field(default_factory=list)

    async def listen(self) -> None:
        """Record the revision at every change."""
        self.notified.append(self.config.revision)


@asynccontextmanager
async def instance(database_url: str, nats_url: str, name: str) -> AsyncIterator[Instance]:
    """Connect one; it hears changes, but compares revisions only when the test asks it to."""
    bus = Bus(nats_url, service="test", instance=name)
    database = Database(database_url, service="test", share=Share(1, 2))
    config = ConfigRepository(database, TTLCache(), bus.publish)
    built = Instance(bus, database, config, ConfigWatch(bus, config))
    built.watch.listen(built.listen)
    try:
        await bus.connect()
        await database.open()
        await config.refresh()
        await bus.start()
        yield built
    finally:
        await built.watch.stop()
        await bus.close()
        await database.close()


async def write_by_hand(by_hand: ByHand, key: str, document: str) -> None:
    """Set a row to any JSON, past all our code."""
    await by_hand.execute(
        "INSERT INTO system_config (key, value) VALUES ($1, $2::jsonb)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        key,
        document,
    )
