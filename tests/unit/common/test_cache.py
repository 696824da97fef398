from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from common.cache import TTLCache
from common.errors import TransientError
from servers.waiting import eventually
from unit.common.source import Source


@pytest.mark.parametrize("value", ["old", None])
async def test_a_value_is_loaded_once_and_then_kept(value: object) -> None:
    cache, source = TTLCache(), Source(value)
    assert [await cache.get_or_set("markets", source.load) for _ in range(3)] == [value] * 3
    assert source.loads == 1


async def test_callers_of_one_key_share_one_load() -> None:
    cache, source = TTLCache(), Source(is_open=False)
    callers = [asyncio.create_task(cache.get_or_set("markets", source.load)) for _ in range(10)]
    await eventually(lambda: cache.stats()["waits"] == 9)
    source.opened.set()
    assert await asyncio.gather(*callers) == ["old"] * 10
    assert source.loads == 1
    assert cache.stats() == {"hits": 9, "misses": 1, "hit_rate": 90.0, "waits": 9}


async def test_different_keys_load_in_parallel() -> None:
    cache, slow, quick = TTLCache(), Source("slow", is_open=False), Source("quick")
    waiting = asyncio.create_task(cache.get_or_set("slow", slow.load))
    await eventually(lambda: slow.loads == 1)
    assert await cache.get_or_set("quick", quick.load) == "quick"
    assert not waiting.done()
    slow.opened.set()
    assert await waiting == "slow"


async def test_an_error_reaches_every_caller_and_is_not_kept() -> None:
    cache, source = TTLCache(), Source(TransientError("PostgreSQL is away"), is_open=False)
    callers = [asyncio.create_task(cache.get_or_set("markets", source.load)) for _ in range(3)]
    await eventually(lambda: cache.stats()["waits"] == 2)
    source.opened.set()
    assert await asyncio.gather(*callers, return_exceptions=True) == [source.value] * 3
    source.value = "back"
    assert await cache.get_or_set("markets", source.load) == "back"


async def test_a_caller_that_gives_up_does_not_end_the_load_for_the_others() -> None:
    cache, source = TTLCache(), Source(is_open=False)
    first, second = (asyncio.create_task(cache.get_or_set("markets", source.load)) for _ in range(2))
    await eventually(lambda: cache.stats()["waits"] == 1)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    source.opened.set()
    assert await second == "old"
    assert source.loads == 1


async def test_a_failed_load_without_a_waiting_caller_is_no_unhandled_error() -> None:
    unhandled: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
    cache, source = TTLCache(), Source(TransientError("PostgreSQL is away"), is_open=False)
    caller = asyncio.create_task(cache.get_or_set("markets", source.load))
    await eventually(lambda: source.loads == 1)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    source.opened.set()
    await eventually(lambda: len(asyncio.all_tasks()) == 1)
    gc.collect()
    assert unhandled == []


async def test_a_value_is_loaded_again_when_its_time_is_over() -> None:
    cache, source = TTLCache(ttl_seconds=0.1), Source()
    began = asyncio.get_running_loop().time()
    await cache.get_or_set("markets", source.load)
    source.value = "new"

    async def is_new() -> bool:
        return bool(await cache.get_or_set("markets", source.load) == "new")

    await eventually(is_new)
    # Jitter shortens by at most a tenth.
    assert asyncio.get_running_loop().time() - began >= 0.09


async def test_two_caches_share_nothing() -> None:
    one, other = TTLCache(), TTLCache()
    await one.get_or_set("markets", Source("one").load)
    assert await other.get_or_set("markets", Source("other").load) == "other"


async def test_the_hit_rate_is_in_percent_with_two_decimals() -> None:
    cache, source = TTLCache(), Source()
    assert cache.stats() == {"hits": 0, "misses": 0, "hit_rate": 0, "waits": 0}
    for _ in range(3):
        await cache.get_or_set("markets", source.load)
    assert cache.stats() == {"hits": 2, "misses": 1, "hit_rate": 66.67, "waits": 0}
