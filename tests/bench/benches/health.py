"""Latency of the detailed health answer under 200 requests a second."""

from __future__ import annotations

import asyncio
import time

import httpx

from bench.comparison import Comparison, percentile
from bench.stacks import whole_stack

RATE, SECONDS = 200, 15


async def measure() -> list[Comparison]:
    """Return one row: the 99th percentile."""
    async with whole_stack() as run, httpx.AsyncClient(trust_env=False, timeout=10) as client:
        url = f"{run.document['health_url']}/health/detail"
        taken = await _asked(client, url)
    p50, p99 = percentile(taken, 0.5), percentile(taken, 0.99)
    return [
        Comparison.alone(
            f"/health/detail, cached, {RATE} requests/s for {SECONDS} s, under the whole stack",
            f"{p99:.1f} ms",
            "p99 <= 100 ms",
            reached=p99 <= 100,
            measured=f"p50 {p50:.1f} ms, p99 {p99:.1f} ms",
        )
    ]


async def _asked(client: httpx.AsyncClient, url: str) -> list[float]:
    """Ask at a steady rate, whatever the answers take; returns each one's milliseconds."""
    taken: list[float] = []

    async def ask(due: float) -> None:
        await client.get(url)
        # From when it was due: a client that falls behind must not make the answer look fast.
        taken.append((time.perf_counter() - due) * 1000)

    began = time.perf_counter()
    asking = []
    for number in range(RATE * SECONDS):
        due = began + number / RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        asking.append(asyncio.create_task(ask(due)))
    await asyncio.gather(*asking)
    return taken
