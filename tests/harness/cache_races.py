"""Races of reads, loads and invalidations on the cache, interleaved by a seed in one event loop."""

from __future__ import annotations

import asyncio
import random

from common.cache import TTLCache

STEPS = 8


async def stale_reads(chance: random.Random, races: int) -> int:
    """Race readers against changes of two keys; return how many reads after a change were stale."""
    cache, stored, stale = TTLCache(), {"a": 0, "b": 0}, 0

    async def turns() -> None:
        for _ in range(chance.randrange(4)):
            await asyncio.sleep(0)

    async def load(key: str) -> int:
        await turns()
        value = stored[key]
        await turns()
        return value

    async def get(key: str) -> int:
        return await cache.get_or_set(key, lambda: load(key))

    async def read(key: str) -> None:
        await turns()
        await get(key)

    async def change(key: str) -> None:
        nonlocal stale
        await turns()
        stored[key] += 1
        await cache.invalidate(chance.choice([key, None]))
        committed = stored[key]
        stale += await get(key) < committed

    for _ in range(races):
        await asyncio.gather(
            *(chance.choice([read, read, change])(chance.choice("ab")) for _ in range(STEPS))
        )
        for key, value in stored.items():
            stale += await get(key) != value
    return stale
