"""Cost of reading a setting, cached or not, against the usual ways to cache one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import aiocache
import cashews

from bench.comparison import Comparison, Rounds, percentile, side_by_side
from common.cache import TTLCache

HITS = 20_000
KEYS, LOAD_SECONDS = 100, 0.02
Read = Callable[[str, Callable[[], Awaitable[int]]], Awaitable[int]]


class LockedDict:
    """The naive way: one lock around everything, held while loading."""

    def __init__(self) -> None:
        self._values: dict[str, int] = {}
        self._lock = asyncio.Lock()

    async def get_or_set(self, key: str, factory: Callable[[], Awaitable[int]]) -> int:
        """Return the kept value or load it."""
        async with self._lock:
            if key not in self._values:
                self._values[key] = await factory()
            return self._values[key]


class Loads:
    """A source that takes 20 ms, and counts how often it was asked."""

    def __init__(self) -> None:
        self.count = 0

    async def load(self) -> int:
        """Load."""
        self.count += 1
        await asyncio.sleep(LOAD_SECONDS)
        return 7


def ours() -> Read:
    """Return a fresh cache of ours."""
    return TTLCache().get_or_set


def locked_dict() -> Read:
    """Return a fresh dict with a lock."""
    return LockedDict().get_or_set


def plain_aiocache() -> Read:
    """Return a fresh aiocache with its defaults, read and filled as its documentation shows it."""
    memory = aiocache.SimpleMemoryCache()

    async def read(key: str, factory: Callable[[], Awaitable[int]]) -> int:
        kept: int | None = await memory.get(key)
        if kept is None:
            kept = await factory()
            await memory.set(key, kept, ttl=3600)
        return kept

    return read


def plain_cashews() -> Read:
    """Return a fresh cashews in memory."""
    memory = cashews.Cache()
    memory.setup("mem://")

    async def read(key: str, factory: Callable[[], Awaitable[int]]) -> int:
        kept: int = await memory.get_or_set(key, factory, expire=3600)
        return kept

    return read


PLAIN, LOCKED = "plain aiocache with its defaults", "dict behind one lock"
OTHERS: dict[str, Callable[[], Read]] = {PLAIN: plain_aiocache, "cashews": plain_cashews, LOCKED: locked_dict}


async def measure() -> list[Comparison]:
    """Return the rows of hits, of a hit while another key loads, of cold keys, and of one cold key."""
    return [*await _hits(), *await _hit_while_loading(), *await _cold_keys(), *await _one_cold_key()]


async def _hits() -> list[Comparison]:
    rates = await _all_sides(_hits_a_second)
    bars = {PLAIN: 4.0}
    return [
        Comparison(
            "config hit",
            name,
            f"{rates.median('ours'):,.0f}/s",
            f"{rates.median(name):,.0f}/s",
            rates.shown("ours", name, digits=1),
            f">= {bars[name]:.0f}x" if name in bars else "none",
            reached=rates.ratio("ours", name) >= bars.get(name, 0),
        )
        for name in OTHERS
    ]


async def _all_sides(figure: Callable[[Read], Awaitable[float]]) -> Rounds:
    """Take the figure of fresh caches of ours and of every other kind, in turn."""
    sides = {"ours": ours} | OTHERS
    return await side_by_side(
        {name: (lambda make=make: figure(make())) for name, make in sides.items()}  # type: ignore[misc]
    )


async def _hits_a_second(read: Read) -> float:
    loads = Loads()
    await read("key", loads.load)
    began = time.perf_counter()
    for _ in range(HITS):
        await read("key", loads.load)
    return HITS / (time.perf_counter() - began)


async def _hit_while_loading() -> list[Comparison]:
    waits = await _all_sides(_wait_while_loading)
    mine = waits.median("ours")
    return [
        Comparison(
            "a hit while another key loads",
            name,
            f"{mine:.3f} ms",
            f"{waits.median(name):.3f} ms",
            f"{mine:.3f} ms",
            "<= 0.1 ms",
            reached=mine <= 0.1,
        )
        for name in OTHERS
    ]


async def _wait_while_loading(read: Read) -> float:
    """Return the median of such hits in milliseconds."""
    taken = []
    await read("warm", Loads().load)
    for number in range(20):
        loading = asyncio.ensure_future(read(f"cold {number}", Loads().load))
        await asyncio.sleep(0.001)
        began = time.perf_counter()
        await read("warm", Loads().load)
        taken.append((time.perf_counter() - began) * 1000)
        await loading
    return percentile(taken, 0.5)


async def _cold_keys() -> list[Comparison]:
    taken = await _all_sides(_seconds_of_cold_keys)
    bars = {LOCKED: 50.0}
    return [
        Comparison(
            f"{KEYS} cold keys, {LOAD_SECONDS * 1000:.0f} ms each",
            name,
            f"{taken.median('ours') * 1000:.0f} ms",
            f"{taken.median(name) * 1000:.0f} ms",
            taken.shown(name, "ours", digits=1),
            f">= {bars[name]:.0f}x" if name in bars else "none",
            reached=taken.ratio(name, "ours") >= bars.get(name, 0),
        )
        for name in OTHERS
    ]


async def _seconds_of_cold_keys(read: Read) -> float:
    began = time.perf_counter()
    await asyncio.gather(*(read(f"key {number}", Loads().load) for number in range(KEYS)))
    return time.perf_counter() - began


async def _one_cold_key() -> list[Comparison]:
    loads = await _all_sides(_loads_of_one_key)
    # Not the median: a single load too many in a single round is one too many.
    most = max(loads.taken["ours"])
    return [
        Comparison(
            f"{KEYS} callers of one cold key, most loads",
            name,
            f"{most:.0f}",
            f"{max(loads.taken[name]):.0f}",
            f"{most:.0f}",
            "exactly 1 load",
            reached=most == 1,
        )
        for name in OTHERS
    ]


async def _loads_of_one_key(read: Read) -> float:
    loads = Loads()
    await asyncio.gather(*(read("key", loads.load) for _ in range(KEYS)))
    return loads.count
