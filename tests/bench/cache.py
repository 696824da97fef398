"""What does a read of a setting cost, kept or not, against the usual ways to keep one?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import aiocache
import cashews

from bench.comparison import Comparison, percentile, side_by_side
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
    """Return a fresh dict behind a lock."""
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


async def measure() -> list[Comparison]:
    """Return the rows of hits, of a hit while another key loads, of cold keys, and of one cold key."""
    return [*await _hits(), await _hit_while_loading(), await _cold_keys(), await _one_cold_key()]


async def _hits() -> list[Comparison]:
    others = {
        "plain aiocache with its defaults": plain_aiocache,
        "cashews": plain_cashews,
        "dict behind one lock": locked_dict,
    }
    rates = await side_by_side(
        {"ours": lambda: _hits_a_second(ours())}
        | {
            name: (lambda make=make: _hits_a_second(make()))  # type: ignore[misc]
            for name, make in others.items()
        }
    )
    bars = {"plain aiocache with its defaults": 4.0}
    return [
        Comparison(
            "config hit",
            name,
            f"{rates['ours']:,.0f}/s",
            f"{rates[name]:,.0f}/s",
            f"{rates['ours'] / rates[name]:.1f}x",
            f">= {bars[name]:.0f}x" if name in bars else "none",
            reached=rates["ours"] >= bars.get(name, 0) * rates[name],
        )
        for name in others
    ]


async def _hits_a_second(read: Read) -> float:
    loads = Loads()
    await read("key", loads.load)
    began = time.perf_counter()
    for _ in range(HITS):
        await read("key", loads.load)
    return HITS / (time.perf_counter() - began)


async def _hit_while_loading() -> Comparison:
    waits = await side_by_side(
        {"ours": lambda: _wait_while_loading(ours()), "theirs": lambda: _wait_while_loading(locked_dict())}
    )
    return Comparison(
        "a hit while another key loads",
        "dict behind one lock",
        f"{waits['ours']:.3f} ms",
        f"{waits['theirs']:.1f} ms",
        f"{waits['ours']:.3f} ms",
        "<= 0.1 ms",
        reached=waits["ours"] <= 0.1,
    )


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


async def _cold_keys() -> Comparison:
    async def seconds(read: Read) -> float:
        began = time.perf_counter()
        await asyncio.gather(*(read(f"key {number}", Loads().load) for number in range(KEYS)))
        return time.perf_counter() - began

    taken = await side_by_side({"ours": lambda: seconds(ours()), "theirs": lambda: seconds(locked_dict())})
    return Comparison(
        f"{KEYS} cold keys, {LOAD_SECONDS * 1000:.0f} ms each",
        "dict behind one lock",
        f"{taken['ours'] * 1000:.0f} ms",
        f"{taken['theirs'] * 1000:.0f} ms",
        f"{taken['theirs'] / taken['ours']:.0f}x",
        ">= 50x",
        reached=taken["theirs"] >= 50 * taken["ours"],
    )


async def _one_cold_key() -> Comparison:
    async def loads_of(read: Read) -> int:
        loads = Loads()
        await asyncio.gather(*(read("key", loads.load) for _ in range(KEYS)))
        return loads.count

    mine, theirs = await loads_of(ours()), await loads_of(plain_aiocache())
    return Comparison(
        f"{KEYS} callers of one cold key",
        "plain aiocache with its defaults",
        f"{mine} load",
        f"{theirs} loads",
        f"{mine}",
        "exactly 1 load",
        reached=mine == 1,
    )
