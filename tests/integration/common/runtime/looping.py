"""A process that is nothing but an event loop and its watchdog; one byte on its output for each turn."""

from __future__ import annotations

import asyncio
import sys
import time

from common.runtime.watchdog import Watchdog

# The watchdog ends it, or the test gives up first.
BLOCKED_SECONDS = 600.0
TURN_SECONDS = 0.1


def block_the_loop() -> None:
    """Do what no coroutine may."""
    time.sleep(BLOCKED_SECONDS)


async def turn(limit_seconds: float, *, blocked: bool) -> None:
    """Turn for ever, or stand still at once."""
    Watchdog(limit_seconds=limit_seconds).start()
    while True:
        await asyncio.sleep(TURN_SECONDS)
        if blocked:
            block_the_loop()
        sys.stdout.write(".")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(turn(float(sys.argv[1]), blocked="blocked" in sys.argv))
