"""SC-004: calls that fail every other time succeed in the end, and a failing exchange is left in peace."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from collector.upbit.client import UpbitClient
from common.clock import MINUTE, ExchangeClock, utc_now
from common.errors import TransientError
from common.retry import with_retry
from harness.finding import Finding
from harness.stack import in_background, in_thread
from servers.simulators import Simulator, simulator

MARKET = "KRW-BTC"
SEED, CALLS, FAILURES = 20_260_713, 1000, 0.5
BURST_SECONDS = 30
# Ten minutes at one call every ten seconds, as data_collection makes them; the pauses between are left out.
STORM_CALLS = 60
LOOK_SECONDS = 0.01


async def measure() -> list[Finding]:
    """Return the rows of seeded failures, of a burst of 429, of a storm of 503, and of the waits."""
    async with in_thread(simulator("upbit_simulator")) as upbit:
        return [await _seeded(), await _waits(upbit), await _burst(upbit), await _storm(upbit)]


async def _seeded() -> Finding:
    chance = random.Random(SEED)

    # A thousandth of the real delays: the time between tries is not what is counted here.
    @with_retry(base_delay=0.001)
    async def call() -> None:
        if chance.random() < FAILURES:
            raise TransientError("a seeded failure")

    succeeded = 0
    for _ in range(CALLS):
        with contextlib.suppress(TransientError):
            await call()
            succeeded += 1
    return Finding(
        "SC-004",
        f"{CALLS} seeded calls, each try fails with {FAILURES:.0%} (seed {SEED})",
        "at least 90 % succeed",
        f"{succeeded / CALLS:.1%} succeed",
        holds=succeeded >= 0.9 * CALLS,
    )


async def _waits(upbit: Simulator) -> Finding:
    upbit.switch_on("http_error", count=3, status=503)
    async with _client(upbit) as client:
        arrivals: list[float] = []
        async with in_background(_watch(upbit, arrivals)):
            await _fetched(client)
            await asyncio.sleep(10 * LOOK_SECONDS)
    upbit.switch_all_off()
    waits = [later - earlier for earlier, later in itertools.pairwise(arrivals)]
    # Jitter only lengthens, by at most a tenth; the rest is the call itself and the look every 10 ms, which
    # may see the first of two arrivals later than the second.
    holds = len(waits) == 3 and all(
        delay - 2 * LOOK_SECONDS <= wait <= 1.1 * delay + 0.3
        for wait, delay in zip(waits, (1, 2, 4), strict=True)
    )
    shown = ", ".join(f"{wait:.2f}" for wait in waits)
    return Finding(
        "SC-004",
        "waits between the tries of one call, as the simulator sees them arrive",
        "1, 2, 4 s, each at most a tenth longer",
        f"{shown} s",
        holds=holds,
    )


async def _burst(upbit: Simulator) -> Finding:
    upbit.switch_on("rate_limited")
    before, began = _requests(upbit), time.monotonic()
    failed = 0
    async with _client(upbit) as client:
        while time.monotonic() - began < BURST_SECONDS:
            failed += not await _fetched(client)
        refused = _requests(upbit) - before
        upbit.switch_all_off()
        next_run = await _fetched(client)
    return Finding(
        "SC-004",
        f"a burst of {BURST_SECONDS} s in which Upbit answers 429",
        "the next run succeeds",
        f"{refused} requests and {failed} failed runs in the burst, the next run"
        f" {'succeeds' if next_run else 'fails'}",
        holds=next_run and failed > 0,
    )


async def _storm(upbit: Simulator) -> Finding:
    upbit.switch_on("http_error", status=503)
    before = _requests(upbit)
    async with _client(upbit) as client:
        succeeded = [await _fetched(client) for _ in range(STORM_CALLS)]
        each = (_requests(upbit) - before) / STORM_CALLS
        upbit.switch_all_off()
        recovered = await _fetched(client)
    return Finding(
        "SC-004",
        f"ten minutes of 503: {STORM_CALLS} calls, without the pauses between them",
        "at most 1.1 requests a call, then success",
        f"{each:.2f} requests a call, the call after it {'succeeds' if recovered else 'fails'}",
        holds=each <= 1.1 and recovered and not any(succeeded),
    )


@asynccontextmanager
async def _client(upbit: Simulator) -> AsyncIterator[UpbitClient]:
    client = UpbitClient(upbit.url, source="simulator", clock=ExchangeClock())
    yield client
    await client.close()


async def _fetched(client: UpbitClient) -> bool:
    end = utc_now().replace(second=0, microsecond=0) - timedelta(minutes=5)
    try:
        return await client.fetch_page(MARKET, end - 5 * MINUTE, end) is not None
    except TransientError:
        return False


async def _watch(upbit: Simulator, arrivals: list[float]) -> None:
    known = _requests(upbit)
    while True:
        if (now := await asyncio.to_thread(_requests, upbit)) > known:
            arrivals.append(time.monotonic())
            known = now
        await asyncio.sleep(LOOK_SECONDS)


def _requests(upbit: Simulator) -> int:
    rows = upbit.get("/_control/stats")["requests"]
    return sum(row["count"] for row in rows if "candles" in row["route"])
