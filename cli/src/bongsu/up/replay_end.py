"""When has a recording been replayed to its end, and did all of it arrive?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import httpx

from bongsu.up.status import News
from upbit_simulator.recorded.recording import Recording

POLL_SECONDS = 1.0
ANSWER_SECONDS = 2.0
# What has not arrived this long after the end is not on its way any more.
PATIENCE_SECONDS = 60.0
STEADY_LOOKS = 3


async def tell_the_end(
    upbit_url: str, recording: Recording, newest: Callable[[], News], say: Callable[[str], None]
) -> None:
    """Wait for the clock's end and for counts that no longer grow; say once what arrived."""
    expected = {code: len(market.candles) for code, market in recording.by_market.items()}
    async with httpx.AsyncClient(trust_env=False) as client:
        while not await _has_ended(client, upbit_url):
            await asyncio.sleep(POLL_SECONDS)
    deadline = time.monotonic() + PATIENCE_SECONDS
    before: list[tuple[int, int]] = []
    steady = 0
    while time.monotonic() < deadline and not (
        steady >= STEADY_LOOKS and is_complete(newest(), expected) and has_decided(newest())
    ):
        await asyncio.sleep(POLL_SECONDS)
        counts = [(market["candles"], market["signals"]) for market in newest().markets]
        steady = steady + 1 if counts == before else 0
        before = counts
    say(ending(newest(), expected))


def is_complete(news: News, expected: dict[str, int]) -> bool:
    """Return whether every market has as many candles as were recorded."""
    stored = {market["market"]: market["candles"] for market in news.markets}
    return all(stored.get(code, 0) >= count for code, count in expected.items())


def has_decided(news: News) -> bool:
    """Return whether a signaler has decided, or cannot: too few candles are known.

    One that started late skips what is over and still decides the newest interval, up to 30 s after its page.
    """
    return any(
        job["job_name"] == "signal_generation"
        and (job["last_success_at"] or job["last_error"] not in (None, "late"))
        for service in news.detail.get("services", [])
        for job in service.get("jobs", [])
    )


def ending(news: News, expected: dict[str, int]) -> str:
    """Return the sentence that ends a replay, with its counts."""
    stored = {market["market"]: market["candles"] for market in news.markets}
    counts = ", ".join(f"{code} {stored.get(code, 0)} of {count} candles" for code, count in expected.items())
    signals = sum(market["signals"] for market in news.markets)
    return f"the recording has ended: {counts}, {signals} signals; still serving, Ctrl-C stops"


async def _has_ended(client: httpx.AsyncClient, upbit_url: str) -> bool:
    try:
        clock = (await client.get(f"{upbit_url}/_control/clock", timeout=ANSWER_SECONDS)).json()
    except (httpx.HTTPError, ValueError):
        return False
    return bool(clock.get("ended"))
