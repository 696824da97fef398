"""Time of a warm `make run` until it is healthy, and until its first signal."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from bench.comparison import Comparison
from bench.stacks import whole_stack
from common.clock import utc_now
from harness.servers import scratch_folder
from servers.waiting import eventually
from system.conftest import Run

ROUNDS = 3
# A start has nothing to decide where the last signal is of the newest closed minute.
STOPPED_SECONDS = 65.0


async def measure() -> list[Comparison]:
    """Return two rows: the worst of three warm starts, each over a minute after the stop before."""
    with scratch_folder() as folder:
        async with whole_stack(folder / "data"):
            pass
        taken = [await _started_again(folder / "data") for _ in range(ROUNDS)]
    healthy, signal = (max(times) for times in zip(*taken, strict=True))
    return [
        Comparison.alone(f"warm `bongsu up` → {what}", f"{worst:.1f} s", f"<= {bar} s", reached=worst <= bar)
        for what, worst, bar in (("healthy", healthy, 10), ("first signal", signal, 20))
    ]


async def _started_again(data: Path) -> tuple[float, float]:
    await asyncio.sleep(STOPPED_SECONDS)
    return await _started(Run(data))


async def _started(run: Run) -> tuple[float, float]:
    """Return the seconds until health says healthy and until a signal of this run exists."""
    began, since = time.monotonic(), utc_now()
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
            url = f"http://127.0.0.1:{run.port}"
            await eventually(lambda: _is_healthy(client, url), 60)
            healthy = time.monotonic() - began
            await eventually(lambda: _has_signal(client, url, since), 90)
            return healthy, time.monotonic() - began
    finally:
        await asyncio.to_thread(run.stop)


async def _is_healthy(client: httpx.AsyncClient, url: str) -> bool:
    return (await _answer(client, f"{url}/health")).get("status") == "healthy"


async def _has_signal(client: httpx.AsyncClient, url: str, since: datetime) -> bool:
    signals = (await _answer(client, f"{url}/api/v1/signals?limit=1")).get("signals", [])
    return any(datetime.fromisoformat(signal["created_at"]) >= since for signal in signals)


async def _answer(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    try:
        return dict((await client.get(url)).json())
    except (httpx.HTTPError, ValueError):
        return {}
