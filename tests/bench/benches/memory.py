"""Memory of each service after ten minutes."""

from __future__ import annotations

import asyncio
import os

import psutil

from bench.comparison import Comparison
from bench.stacks import whole_stack

# A shorter look says less: BONGSU_BENCH_MINUTES=1 for trying it out.
MINUTES = float(os.environ.get("BONGSU_BENCH_MINUTES", "10"))
BARS_MB = {"collector": 90, "health": 90, "signaler": 140}


async def measure() -> list[Comparison]:
    """Return a row per service: its resident memory (RSS)."""
    async with whole_stack() as run:
        await asyncio.sleep(60 * MINUTES)
        pids = run.document["pids"]
        held = {name: psutil.Process(pids[name]).memory_info().rss / 2**20 for name in BARS_MB}
    return [
        Comparison.alone(
            f"memory of the {name} after {MINUTES:g} minutes",
            f"{held[name]:.0f} MB",
            f"<= {bar} MB",
            reached=held[name] <= bar,
        )
        for name, bar in BARS_MB.items()
    ]
