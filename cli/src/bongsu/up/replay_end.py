"""End of a replay: waits for the recording's clock and for the last rows, then says what has arrived."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping

import httpx

from bongsu.database.queries import MarketCounts, count_rows
from bongsu.errors import CommandError
from bongsu.stack_status import StackStatus

POLL_SECONDS = 1.0
ANSWER_SECONDS = 2.0
# What has not arrived this long after the end is not on its way any more.
ARRIVAL_SECONDS = 60.0
STEADY_LOOKS = 3


async def wait_for_end(upbit_url: str) -> None:
    """Return when the clock of the simulator is at the recording's end."""
    async with httpx.AsyncClient(trust_env=False, timeout=ANSWER_SECONDS) as client:
        while True:
            with contextlib.suppress(httpx.HTTPError, ValueError):
                if (await client.get(f"{upbit_url}/_control/clock")).json().get("ended"):
                    return
            await asyncio.sleep(POLL_SECONDS)


async def wait_for_rows(
    database_url: str, expected: Mapping[str, int], newest: Callable[[], StackStatus]
) -> Mapping[str, MarketCounts]:
    """Return the counts by market once all has arrived and they no longer grow, or after a minute.

    Args:
        expected: How many candles of each market were recorded.
    """
    deadline = time.monotonic() + ARRIVAL_SECONDS
    counts: Mapping[str, MarketCounts] = {}
    steady = 0
    while time.monotonic() < deadline and not (
        steady >= STEADY_LOOKS and is_complete(counts, expected) and has_decided(newest())
    ):
        await asyncio.sleep(POLL_SECONDS)
        # A look that fails, as while PostgreSQL starts again, is none.
        with contextlib.suppress(CommandError):
            before, counts = counts, await count_rows(database_url, list(expected))
            steady = steady + 1 if counts == before else 0
    return counts


def is_complete(counts: Mapping[str, MarketCounts], expected: Mapping[str, int]) -> bool:
    """Return whether every market has as many candles as were recorded."""
    return all(code in counts and counts[code].candles >= count for code, count in expected.items())


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


def end_message(counts: Mapping[str, MarketCounts], expected: Mapping[str, int]) -> str:
    """Return the sentence that ends a replay, with its counts."""
    arrived = ", ".join(
        f"{code} {counts[code].candles if code in counts else 0} of {count} candles"
        for code, count in expected.items()
    )
    signals = sum(market.signals for market in counts.values())
    return f"the recording has ended: {arrived}, {signals} signals; still serving, Ctrl-C stops"
