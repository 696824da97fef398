"""Invalidation over instances: every one has a new value within moments, whatever the bus does."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import pytest
from nats.js import JetStreamContext

from bongsu.servers.nats.server import NatsServer
from bongsu.servers.postgres.server import PostgresServer
from common.cache import TTLCache
from common.config import watch
from common.config.keys import BACKFILL_DAYS, RETENTION_DAYS
from common.config.repository import ConfigRepository
from common.config.watch import NOTIFY_SECONDS
from common.events import ConfigChanged
from integration.common.configured import Instance, instance
from integration.common.speaking import count, kept
from servers.waiting import HANG_SECONDS, eventually

STORM_SECONDS = 3.0
MANY = 1000


@pytest.fixture
async def setter(database_url: str, fresh_nats: NatsServer) -> AsyncIterator[Instance]:
    """One that may set, as the command line does."""
    async with instance(database_url, fresh_nats.url("cli"), "setter") as built:
        yield built


@pytest.fixture
async def readers(
    postgres: PostgresServer, database: str, fresh_nats: NatsServer
) -> AsyncIterator[list[Instance]]:
    """Two instances of the collector and one of the signaler, each with its own copy of two keys."""
    async with AsyncExitStack() as stack:
        built = [
            await stack.enter_async_context(
                instance(postgres.url(f"bongsu_{service}", database), fresh_nats.url(service), name)
            )
            for service, name in (("collector", "c1"), ("collector", "c2"), ("signaler", "s1"))
        ]
        assert [await values(reader) for reader in built] == [(3, 400)] * 3
        yield built


async def values(reader: Instance) -> tuple[int, int]:
    """Return what an instance takes for the values of two keys."""
    return await reader.config.get(BACKFILL_DAYS), await reader.config.get(RETENTION_DAYS)


async def write_by_hand(url: str, key: str, value: object) -> None:
    """Set a value past all our code, so that nothing is published."""
    connection = await asyncpg.connect(url)
    await connection.execute(
        "INSERT INTO system_config (key, value) VALUES ($1, $2::jsonb)", key, json.dumps(value)
    )
    await connection.close()


async def test_a_change_reaches_every_instance_and_every_listener(
    setter: Instance, readers: list[Instance], jetstream: JetStreamContext
) -> None:
    assert await setter.config.set_value("backfill_days", 7, changed_by="cli:ada") == 1

    async def all_know() -> bool:
        return [await values(reader) for reader in readers] == [(7, 400)] * 3

    await eventually(all_know)
    await eventually(lambda: [reader.notified for reader in readers] == [[1]] * 3)
    [message] = await kept(jetstream, "CONFIG")
    assert ConfigChanged.model_validate_json(message.data or b"") == ConfigChanged(
        key="backfill_days", revision=1, changed_by="cli:ada"
    )


async def test_of_many_changes_each_is_acknowledged_and_received_by_all(
    setter: Instance, readers: list[Instance], jetstream: JetStreamContext
) -> None:
    for days in range(50):
        await setter.config.set_value("backfill_days", days, changed_by="cli:ada")

    async def all_know() -> bool:
        return [await values(reader) for reader in readers] == [(49, 400)] * 3

    await eventually(all_know)
    await eventually(lambda: all(reader.notified[-1:] == [50] for reader in readers))
    assert await count(jetstream, "CONFIG") == 50


async def test_a_change_of_one_key_leaves_the_copy_of_another(
    setter: Instance, readers: list[Instance]
) -> None:
    misses = readers[0].config.usage().misses
    await setter.config.set_value("backfill_days", 7, changed_by="cli:ada")
    await eventually(lambda: readers[0].notified)
    assert await values(readers[0]) == (7, 400)
    assert readers[0].config.usage().misses == misses + 1


async def test_a_setter_that_cannot_publish_reads_its_own_value_and_the_others_find_it(
    setter: Instance, readers: list[Instance]
) -> None:
    assert await values(setter) == (3, 400)
    await setter.bus.close()
    assert await setter.config.set_value("backfill_days", 7, changed_by="cli:ada") == 1
    assert await values(setter) == (7, 400)
    assert [await values(reader) for reader in readers] == [(3, 400)] * 3
    assert all([await reader.config.refresh() for reader in readers])
    assert [await values(reader) for reader in readers] == [(7, 400)] * 3


async def test_a_change_that_was_not_published_is_seen_after_a_reconnect(
    readers: list[Instance], database_url: str, fresh_nats: NatsServer
) -> None:
    fresh_nats.kill()
    await write_by_hand(database_url, "backfill_days", 7)
    fresh_nats.start()

    async def all_know() -> bool:
        return [await values(reader) for reader in readers] == [(7, 400)] * 3

    await eventually(all_know)
    assert all(reader.notified for reader in readers)


async def test_a_change_that_was_not_published_is_found_although_a_later_one_was(
    setter: Instance, readers: list[Instance], database_url: str
) -> None:
    await write_by_hand(database_url, "retention_days", 30)
    await setter.config.set_value("backfill_days", 7, changed_by="cli:ada")
    await eventually(lambda: all(reader.notified for reader in readers))
    assert all([await reader.config.refresh() for reader in readers])
    assert [await values(reader) for reader in readers] == [(7, 30)] * 3


async def test_an_event_that_comes_late_or_twice_costs_nothing_but_a_read(
    setter: Instance, readers: list[Instance]
) -> None:
    await setter.config.set_value("backfill_days", 7, changed_by="cli:ada")
    await eventually(lambda: [reader.notified for reader in readers] == [[1]] * 3)
    await setter.config.set_value("retention_days", 30, changed_by="cli:ada")
    old = ConfigChanged(key="backfill_days", revision=1, changed_by="cli:ada")
    for _ in range(2):
        await setter.bus.send(old.subject, old.model_dump_json().encode(), headers={}, stream=None)
    await eventually(lambda: [reader.notified for reader in readers] == [[1, 2]] * 3)
    assert [await values(reader) for reader in readers] == [(7, 30)] * 3
    assert [reader.config.revision for reader in readers] == [2] * 3


async def test_in_a_storm_of_changes_listeners_are_called_once_a_second(
    setter: Instance, readers: list[Instance], database_url: str
) -> None:
    async def tell(key: str, revision: int) -> None:
        event = ConfigChanged(key=key, revision=revision, changed_by="a storm")
        await setter.bus.send(event.subject, event.model_dump_json().encode(), headers={}, stream=None)

    began = time.monotonic()
    revision = 0
    while revision <= MANY or time.monotonic() < began + STORM_SECONDS:
        revision += 1
        await tell(f"unheard_of_{revision}" if revision % 2 else "backfill_days", revision)
    await write_by_hand(database_url, "backfill_days", 7)
    await tell("backfill_days", revision + 1)

    async def all_know() -> bool:
        return [await values(reader) for reader in readers] == [(7, 400)] * 3

    await eventually(all_know)
    # On a busy machine the storm is received for longer than it was sent.
    received_seconds = time.monotonic() - began
    assert all(len(reader.notified) <= received_seconds / NOTIFY_SECONDS + 2 for reader in readers)


async def test_an_event_that_makes_no_sense_is_no_end_of_hearing(
    setter: Instance, readers: list[Instance]
) -> None:
    for body in (b"", b"\xff", b"null", b"[]", b'{"key": 7}', b"[" * 100_000):
        await setter.bus.send(ConfigChanged.subject, body, headers={}, stream=None)
    await setter.config.set_value("backfill_days", 7, changed_by="cli:ada")
    await eventually(lambda: [reader.notified for reader in readers] == [[1]] * 3)
    assert [await values(reader) for reader in readers] == [(7, 400)] * 3


async def test_an_instance_compares_as_soon_as_it_watches(
    readers: list[Instance], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The second comparison would find it too.
    monkeypatch.setattr(watch, "COMPARE_SECONDS", 10 * HANG_SECONDS)
    await write_by_hand(database_url, "backfill_days", 7)
    readers[0].watch.start()
    await eventually(lambda: readers[0].notified)
    assert await values(readers[0]) == (7, 400)


async def test_what_was_read_before_the_first_comparison_is_read_again(
    setter: Instance, database_url: str
) -> None:
    early = ConfigRepository(setter.database, TTLCache(), setter.bus.publish)
    assert await early.get(BACKFILL_DAYS) == 3
    await write_by_hand(database_url, "backfill_days", 7)
    await early.refresh()
    assert await early.get(BACKFILL_DAYS) == 7


async def test_readers_of_a_key_that_changes_all_the_time_keep_no_old_value(
    setter: Instance, readers: list[Instance]
) -> None:
    async def read_on(reader: Instance) -> None:
        while not done:
            await reader.config.get(BACKFILL_DAYS)
            await asyncio.sleep(0)

    done = False
    reading = [asyncio.create_task(read_on(reader)) for reader in readers for _ in range(5)]
    for days in range(30):
        await setter.config.set_value("backfill_days", days, changed_by="cli:ada")
    await eventually(lambda: all(reader.notified[-1:] == [30] for reader in readers))
    done = True
    await asyncio.gather(*reading)
    assert [await values(reader) for reader in readers] == [(29, 400)] * 3
