"""End of a replay: waits for the recording's clock and for the last rows, then says what has arrived."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import httpx

from bongsu.stack_status import StackStatus
from upbit_simulator.recorded.recording import Recording

POLL_SECONDS = 1.0
ANSWER_SECONDS = 2.0
# What has not arrived this long after the end is not on its way any more.
ARRIVAL_SECONDS = 60.0
STEADY_LOOKS = 3


async def report_replay_end(
    upbit_url: str, recording: Recording, newest: Callable[[], StackStatus], say: Callable[[str], None]
) -> None:
    """Wait for the clock's end and for counts that no longer grow; say once what arrived."""
    expected = {code: len(market.candles) for code, market in recording.by_market.items()}
    async with httpx.AsyncClient(trust_env=False) as client:
        while not await _has_ended(client, upbit_url):
            await asyncio.sleep(POLL_SECONDS)
    deadline = time.monotonic() + ARRIVAL_SECONDS
    before: list[tuple[int, int]] = []
    steady = 0
    while time.monotonic() < deadline and not (
        steady >= STEADY_LOOKS and is_complete(newest(), expected) and has_decided(newest())
    ):
        await asyncio.sleep(POLL_SECONDS)
        counts = [(market["candles"], market["signals"]) for market in newest().markets]
        steady = steady + 1 if counts == before else 0
        before = counts
    say(end_message(newest(), expected))


def is_complete(status: StackStatus, expected: dict[str, int]) -> bool:
    """Return whether every market has as many candles as were recorded."""
    stored = {market["market"]: market["candles"] or 0 for market in status.markets}
    return all(stored.get(code, 0) >= count for code, count in expected.items())


def has_decided(status: StackStatus) -> bool:
    """Return whether a signaler has decided, or cannot: too few candles are known.

    One that started late skips what is over and still decides the newest interval, up to 30 s after its page.
    """
    return any(
        job["job_name"] == "signal_generation"
        and (job["last_success_at"] or job["last_error"] not in (None, "late"))
        for service in status.answer.get("services", [])
        for job in service.get("jobs", [])
    )


def end_message(status: StackStatus, expected: dict[str, int]) -> str:
    """Return the sentence that ends a replay, with its counts."""
    stored = {market["market"]: market["candles"] for market in status.markets}
    counts = ", ".join(
        f"{code} {stored.get(code) or 0} of {count} candles" for code, count in expected.items()
    )
    signals = sum(market["signals"] or 0 for market in status.markets)
    return f"the recording has ended: {counts}, {signals} signals; still serving, Ctrl-C stops"


async def _has_ended(client: httpx.AsyncClient, upbit_url: str) -> bool:
    try:
        clock = (await client.get(f"{upbit_url}/_control/clock", timeout=ANSWER_SECONDS)).json()
    except (httpx.HTTPError, ValueError):
        return False
    return bool(clock.get("ended"))
