from __future__ import annotations

import asyncio
import random

import pytest

from common.cache import MAX_RELOADS, TTLCache
from harness.cache_races import stale_reads
from servers.waiting import eventually
from unit.common.source import Source


@pytest.mark.parametrize("dropped", ["markets", None])
async def test_a_load_that_began_before_an_invalidation_does_not_put_its_old_value_back(
    dropped: str | None,
) -> None:
    cache, source = TTLCache(), Source(is_open=False)
    waiting = asyncio.create_task(cache.get_or_set("markets", source.load))
    await eventually(lambda: source.loads == 1)
    source.value = "new"
    await cache.invalidate(dropped)
    source.opened.set()
    assert await waiting == "new"
    assert await cache.get_or_set("markets", source.load) == "new"
    assert source.loads == 2


async def test_a_read_after_an_invalidation_is_new_though_a_load_ended_in_the_same_moment() -> None:
    cache, source = TTLCache(), Source(is_open=False)
    readers = 0

    async def change_and_read() -> object:
        nonlocal readers
        readers += 1
        await source.opened.wait()
        source.value = "new"
        await cache.invalidate("markets")
        return await cache.get_or_set("markets", source.load)

    waiting = asyncio.create_task(cache.get_or_set("markets", source.load))
    await eventually(lambda: source.loads == 1)
    writer = asyncio.create_task(change_and_read())
    await eventually(lambda: readers == 1)
    source.opened.set()
    assert await waiting == "old"
    assert await writer == "new"


async def test_invalidating_one_key_leaves_the_others() -> None:
    cache, source = TTLCache(), Source()
    for key in ("markets", "backfill_days"):
        await cache.get_or_set(key, source.load)
    await cache.invalidate("markets")
    await cache.get_or_set("backfill_days", source.load)
    assert source.loads == 2
    await cache.invalidate()
    for key in ("markets", "backfill_days"):
        await cache.get_or_set(key, source.load)
    assert source.loads == 4


async def test_a_value_that_changes_faster_than_it_loads_is_answered_and_not_kept() -> None:
    cache = TTLCache()
    loads = 0

    async def load() -> int:
        nonlocal loads
        loads += 1
        await cache.invalidate("markets")
        return loads

    first = await cache.get_or_set("markets", load)
    assert first == loads == cache.stats()["misses"]
    assert await cache.get_or_set("markets", load) > first


async def test_a_read_after_an_invalidation_is_new_though_it_joins_a_load_that_gives_up() -> None:
    cache, source = TTLCache(), Source("old")
    change_and_read: list[asyncio.Task[object]] = []

    async def change() -> object:
        source.value = "new"
        await cache.invalidate("markets")
        return await cache.get_or_set("markets", load)

    async def load() -> object:
        value = await source.load()
        if source.loads < MAX_RELOADS:
            await cache.invalidate("markets")
        elif source.loads == MAX_RELOADS:
            change_and_read.append(asyncio.create_task(change()))
            await eventually(lambda: cache.stats()["waits"] == 1)
        return value

    assert await cache.get_or_set("markets", load) == "old"
    assert await change_and_read[0] == "new"


@pytest.mark.parametrize("seed", range(20))
async def test_no_interleaving_leaves_an_old_value_behind(seed: int) -> None:
    assert await stale_reads(random.Random(seed), races=50) == 0
