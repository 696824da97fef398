"""SC-002: the config cache answers nearly every read, and never with a value that was replaced."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from common.bus.broker import Bus
from common.cache import TTLCache
from common.config.repository import ConfigRepository
from common.database.pool import Database, Share
from harness.cache_races import stale_reads
from harness.finding import Finding
from harness.servers import scratch_folder
from servers.waiting import eventually
from system.conftest import Run

MINUTES, SPEED = 70, 60
# One storm every five minutes of the recording: so many changes as fast as they commit.
STORM_SECONDS, CHANGES = 5, 5
SEED, RACES = 20_260_713, 10_000


async def measure() -> list[Finding]:
    """Return the row of the hit rate over an hour of real jobs, and the row of the races."""
    return [await _hour(), await _races()]


async def _hour() -> Finding:
    with scratch_folder() as folder:
        recording = _recording(folder / "hour.csv")
        run = Run(folder / "data", "--replay", str(recording), "--speed", str(SPEED))
        try:
            changes = await _replayed_with_storms(run)
            caches = [row["cache"] for row in run.health()["services"] if row["cache"]]
        finally:
            run.stop()
    hits, misses = (sum(cache[name] for cache in caches) for name in ("hits", "misses"))
    rate = 100 * hits / (hits + misses)
    return Finding(
        "SC-002",
        f"hit rate of all services over {MINUTES} minutes of real jobs, replayed at {SPEED} times the speed,"
        f" with {changes} changes of settings in storms of {CHANGES}",
        "at least 95 %",
        f"{rate:.2f} % of {hits + misses} reads",
        holds=rate >= 95 and changes > 0,
    )


async def _replayed_with_storms(run: Run) -> int:
    """Change settings until the recording has ended; returns how often."""
    await asyncio.to_thread(run.until_up)
    changes = 0
    async with AsyncExitStack() as stack:
        config = await _setter(stack, run.document)
        while "the recording has ended" not in run.text:
            for number in range(CHANGES):
                await config.set_value(
                    "gemini_timeout_seconds", 30 + (changes + number) % 2, changed_by="acceptance"
                )
            changes += CHANGES
            await asyncio.sleep(STORM_SECONDS)
            if run.process.poll() is not None:
                raise RuntimeError(f"bongsu up ended: {run.text[-500:]}")
    await eventually(lambda: run.health().get("services"), 10)
    return changes


async def _setter(stack: AsyncExitStack, document: dict[str, Any]) -> ConfigRepository:
    database = Database(document["database_url"], service="cli", share=Share(1, 1))
    bus = Bus(document["nats_url"], service="cli", instance="acceptance")
    await database.open()
    stack.push_async_callback(database.close)
    await bus.connect()
    stack.push_async_callback(bus.close)
    return ConfigRepository(database, TTLCache(), bus.publish)


def _recording(path: Path) -> Path:
    chance, price = random.Random(SEED), 135_000_000
    lines = ["exchange_time_utc,market,price_krw"]
    for minute in range(MINUTES):
        price += chance.randrange(-50, 51) * 1000
        lines.append(f"2026-01-13T{9 + minute // 60:02}:{minute % 60:02}:05.000Z,KRW-BTC,{price}")
    path.write_text("\n".join(lines) + "\n")
    return path


async def _races() -> Finding:
    stale = await stale_reads(random.Random(SEED), RACES)
    return Finding(
        "SC-002",
        f"reads after a change, while loads are running: {RACES:,} races (seed {SEED})",
        "0 stale",
        f"{stale} stale",
        holds=stale == 0,
    )
