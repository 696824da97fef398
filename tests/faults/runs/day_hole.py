"""Outage of the exchange for a whole day: time until the gap is closed, and the rate of requests for it."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime

from common.clock import MINUTE, closed_until
from faults.inputs.recording import MARKETS, Recording, write_recording
from faults.oracles.invariants import missing
from faults.stack.supervised import SupervisedStack, supervised_stack
from harness.finding import Finding
from harness.records import read_tables
from harness.servers import scratch_folder
from servers.waiting import eventually

PROMISE = "a hole of 24 h"
# A day in a minute; the recording also lasts for the start and for what comes after the hole.
SPEED = 1440.0
MINUTES = 4500
DAY_MINUTES = 1440
PREPARED_SECONDS = 45.0
PATIENCE_SECONDS = 60.0
REPAIRED_SECONDS = 5.0
SETTINGS = {"markets": list(MARKETS), "gemini_daily_request_budget": 100_000}


async def measure(seed: int) -> list[Finding]:
    """Take the exchange away for 1,440 of its minutes, in three markets, and let it answer again."""
    with scratch_folder() as folder:
        recording = write_recording(folder / "recording.json", seed=seed, minutes=MINUTES)
        async with supervised_stack(folder / "recording.json", speed=SPEED, settings=SETTINGS) as made:
            return await _measured(made, recording)


async def _measured(made: SupervisedStack, recording: Recording) -> list[Finding]:
    await eventually(lambda: _is_caught_up(made, recording), PREPARED_SECONDS)
    began = _exchange_time(made)
    made.upbit.switch_on("http_error", status=503)
    made.upbit.switch_on("ws_close", count=1)
    await eventually(
        lambda: _exchange_time(made) >= began + DAY_MINUTES * MINUTE,
        PATIENCE_SECONDS + DAY_MINUTES * 60 / SPEED,
    )
    due = closed_until(_exchange_time(made))
    hole = len(missing(recording, await read_tables(made.running.postgres.url()), due))
    before = _answers(made)
    made.upbit.switch_all_off()
    healed = time.monotonic()
    await eventually(lambda: _is_whole(made, recording, due), PATIENCE_SECONDS)
    return _findings(hole, time.monotonic() - healed, _answers(made) - before)


async def _is_caught_up(made: SupervisedStack, recording: Recording) -> bool:
    """Tell whether the collector is at most four hours behind, which are ten seconds."""
    try:
        now = _exchange_time(made)
    except OSError:
        # It is only starting.
        return False
    return await _is_whole(made, recording, closed_until(now) - 240 * MINUTE)


async def _is_whole(made: SupervisedStack, recording: Recording, due: datetime) -> bool:
    tables = await read_tables(made.running.postgres.url())
    begun = all(min(tables.closes.get(market, [due])) < due for market in recording.closes)
    return begun and not missing(recording, tables, due)


def _answers(made: SupervisedStack) -> Counter[int]:
    """Return how many requests for candles the exchange answered with which status."""
    rows = made.upbit.get("/_control/stats")["requests"]
    return Counter({row["status"]: row["count"] for row in rows if "candles" in row["route"]})


def _exchange_time(made: SupervisedStack) -> datetime:
    """Return the exchange's time, also while it does not answer."""
    return datetime.fromisoformat(made.upbit.get("/_control/clock")["now"])


def _findings(hole: int, seconds: float, answers: Counter[int]) -> list[Finding]:
    # The exchange refuses the eleventh request in one of its seconds, and blocks who goes on.
    refused = answers[429] + answers[418]
    return [
        Finding(PROMISE, "minutes missing", ">= 4320", f"{hole} in 3 markets", hole >= 3 * DAY_MINUTES),
        Finding(
            PROMISE,
            "whole again",
            f"< {REPAIRED_SECONDS:.0f} s",
            f"{seconds:.1f} s after the exchange answers again",
            holds=seconds < REPAIRED_SECONDS,
        ),
        Finding(
            PROMISE,
            "more than 10 requests in a second",
            "0",
            f"{refused} refused of {sum(answers.values())} for candles",
            holds=refused == 0,
        ),
    ]
