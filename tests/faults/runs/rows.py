"""Rows of the fault matrix that take too long for a test, each on servers of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from common.masking import mask_sensitive
from faults.cases.rows_bus import away_for_long, cut_off, deaf, garbled, late, slow_consumer, store_wiped
from faults.cases.rows_database import disk_full, slow_statement
from faults.cases.rows_process import clock_set, frozen_for_long, no_servers
from harness.finding import Finding

Row = tuple[str, str, str, Callable[[], Awaitable[str]]]

# Row, what is done, what has to come of it, and who does it; AssertionError where it does not.
# These wait most of the time, so they do it at once.
WAITING: tuple[Row, ...] = (
    ("F5", "a service frozen for 60 s", "goes on, < 10 s", frozen_for_long),
    ("F28", "NATS away for 150 s", "back, < 5 s", away_for_long),
    ("F35", "5 s a message, 1,000 queued", "redelivered 0", slow_consumer),
    ("F36", "one service cut off from NATS for 60 s", "back, < 5 s", cut_off),
    ("F67", "a start without servers", "given up after a minute, with 1", no_servers),
)
# These count seconds, so they do it one after the other.
TIMED: tuple[Row, ...] = (
    ("F20", "a trigger that takes 10 s", "given up, < 7 s", slow_statement),
    ("F23", "PostgreSQL's disk full", "an error, and no restart", disk_full),
    ("F30", "everything deleted that NATS has stored", "read again, < 10 s", store_wiped),
    ("F37", "a service that receives nothing", "noticed, <= 7 s", deaf),
    ("F38", "bytes of no protocol, and torn frames", "0 lost, 0 taken for data", garbled),
    ("F39", "NATS 0.2 to 0.8 s away", "0 lost, acknowledged in 5 s", late),
    ("F64", "the wall clock set +1 h, -1 h, +1 day", "jobs go on, < 5 s", clock_set),
)


async def measure(_: int) -> list[Finding]:
    """Return a row of the table for each; nothing in them is left to chance."""
    waiting, timed = await asyncio.gather(
        asyncio.gather(*(_finding(*row) for row in WAITING)), _one_after_the_other(TIMED)
    )
    return sorted([*waiting, *timed], key=lambda finding: int(finding.promise[1:]))


async def _one_after_the_other(rows: tuple[Row, ...]) -> list[Finding]:
    return [await _finding(*row) for row in rows]


async def _finding(name: str, what: str, bar: str, row: Callable[[], Awaitable[str]]) -> Finding:
    began = time.monotonic()
    try:
        measured = await row()
    except Exception as error:  # noqa: BLE001  the other rows are measured all the same
        text = mask_sensitive(f"{type(error).__name__} after {time.monotonic() - began:.0f} s: {error}")
        return Finding(name, f"{name}: {what}", bar, text, holds=False)
    return Finding(name, f"{name}: {what}", bar, measured, holds=True)
