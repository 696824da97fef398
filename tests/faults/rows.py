"""Do the rows of the fault matrix hold that take too long for a test? Each on own servers, all at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from acceptance.promise import Finding
from common.masking import mask_sensitive
from faults.rows_bus import away_for_long, cut_off, deaf, garbled, late, slow_consumer, store_wiped
from faults.rows_database import disk_full, slow_statement
from faults.rows_process import clock_set, frozen_for_long, no_servers

Row = Callable[[], Awaitable[str]]

# Row, what is done, what has to come of it; a row raises AssertionError where it does not.
ROWS: tuple[tuple[str, str, str, Row], ...] = (
    ("F5", "a service frozen for 60 s", "goes on, < 10 s", frozen_for_long),
    ("F20", "a trigger that takes 10 s", "given up, < 7 s", slow_statement),
    ("F23", "PostgreSQL's disk full", "an error, and no restart", disk_full),
    ("F28", "NATS away for 150 s", "back, < 5 s", away_for_long),
    ("F30", "everything deleted that NATS has stored", "read again, < 10 s", store_wiped),
    ("F35", "5 s a message, 1,000 queued", "redelivered 0", slow_consumer),
    ("F36", "one service cut off from NATS for 60 s", "back, < 5 s", cut_off),
    ("F37", "a service that hears nothing", "noticed, <= 7 s", deaf),
    ("F38", "bytes that nobody said, and torn frames", "0 lost, 0 taken for data", garbled),
    ("F39", "NATS 0.2 to 0.8 s away", "0 lost, 0 dead", late),
    ("F64", "the wall clock set +1 h, -1 h, +1 day", "jobs go on, < 5 s", clock_set),
    ("F67", "a start without servers", "given up after a minute, with 1", no_servers),
)


async def measure(_: int) -> list[Finding]:
    """Measure every row; nothing in them is left to chance."""
    return list(await asyncio.gather(*(_finding(*row) for row in ROWS)))


async def _finding(name: str, what: str, bar: str, row: Row) -> Finding:
    began = time.monotonic()
    try:
        measured = await row()
    except Exception as error:  # noqa: BLE001  the other rows are measured all the same
        text = mask_sensitive(f"{type(error).__name__} after {time.monotonic() - began:.0f} s: {error}")
        return Finding(name, what, bar, text, holds=False)
    return Finding(name, what, bar, measured, holds=True)
