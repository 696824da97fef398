"""TTL cache with single flight and epochs, on aiocache: no load that began before an invalidation is kept.

aiocache alone stores a value whose load began before it was invalidated, and loads the same key once per
caller. Here every load remembers the key's epoch and is stored only if it is still the same.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from aiocache import SimpleMemoryCache

T = TypeVar("T")

# How often everything and how often this key was dropped: it only grows.
Epoch: TypeAlias = tuple[int, int]

MAX_RELOADS = 5
MAX_JITTER = 0.1


@dataclass(frozen=True)
class _Loaded(Generic[T]):
    """What a load gave, and the epoch in which it began; as a wrapper it lets None be cached too."""

    value: T
    epoch: Epoch


class TTLCache:
    """Values by key, loaded once at a time per key, dropped after `ttl_seconds` (up to 10 % earlier)."""

    def __init__(self, ttl_seconds: float = 3600) -> None:
        self._ttl_seconds = ttl_seconds
        # timeout=None: the default wraps every operation in wait_for, 5 times slower.
        self._memory = SimpleMemoryCache(timeout=None)
        self._keys: set[str] = set()
        self._loads: dict[str, asyncio.Task[Any]] = {}
        self._epochs: Counter[str] = Counter()
        self._generation = 0
        self._hits = self._misses = self._waits = 0

    async def get_or_set(self, key: str, factory: Callable[[], Awaitable[T]]) -> T:
        """Return the kept value, or the one that `factory` gives; callers of one key share one load.

        An error of the factory reaches every caller that waited for it and is not kept.
        """
        entry: _Loaded[T] | None = await self._memory.get(key)
        if entry is not None:
            self._hits += 1
            return entry.value
        asked_in = self._epoch(key)
        if self._running(key):
            self._hits += 1
            self._waits += 1
        while True:
            load = self._running(key) or self._begin(key, factory)
            # A caller that gives up must not end the load the others wait for.
            loaded: _Loaded[T] = await asyncio.shield(load)
            # A load that gave up, because the key changed all the time, may be older than this question.
            if loaded.epoch >= asked_in:
                return loaded.value

    async def invalidate(self, key: str | None = None) -> None:
        """Drop one key, or all with None; a load that is running will not put its old value back."""
        if key is None:
            self._generation += 1
            for known in tuple(self._keys):
                await self._memory.delete(known)
            self._keys.clear()
        else:
            self._epochs[key] += 1
            await self._memory.delete(key)
            self._keys.discard(key)

    def stats(self) -> dict[str, int | float]:
        """Return hits, misses (= loads), hit_rate (percent, 2 decimals) and waits (hits that waited)."""
        reads = self._hits + self._misses
        hit_rate = round(100 * self._hits / reads, 2) if reads else 0
        return {"hits": self._hits, "misses": self._misses, "hit_rate": hit_rate, "waits": self._waits}

    def _epoch(self, key: str) -> Epoch:
        return self._generation, self._epochs[key]

    def _running(self, key: str) -> asyncio.Task[Any] | None:
        load = self._loads.get(key)
        # One that has just ended answers with a value that may have been invalidated since.
        return None if load is None or load.done() else load

    def _begin(self, key: str, factory: Callable[[], Awaitable[T]]) -> asyncio.Task[_Loaded[T]]:
        load = asyncio.create_task(self._load(key, factory))
        self._loads[key] = load
        load.add_done_callback(lambda task: self._forget_load(key, task))
        return load

    async def _load(self, key: str, factory: Callable[[], Awaitable[T]]) -> _Loaded[T]:
        for _ in range(MAX_RELOADS):
            epoch = self._epoch(key)
            self._misses += 1
            loaded = _Loaded(await factory(), epoch)
            if epoch == self._epoch(key):
                self._keys.add(key)
                ttl = self._ttl_seconds * random.uniform(1 - MAX_JITTER, 1)  # noqa: S311
                await self._memory.set(key, loaded, ttl=ttl)
                break
        return loaded  # it may change faster than it loads: then it is not kept

    def _forget_load(self, key: str, task: asyncio.Task[Any]) -> None:
        if self._loads.get(key) is task:
            del self._loads[key]
        if not task.cancelled():
            task.exception()  # retrieved: every caller may have gone
