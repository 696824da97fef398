"""Watchdog of the event loop: a thread, because a blocked loop cannot report itself."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import sys
import threading
import time

EXIT_CODE = 70
BEAT_SECONDS = 1.0
PRINT_SECONDS = 1.0


class Watchdog:
    """Ends the process with exit code 70, stacks on stderr, when the loop stood still for `limit_seconds`."""

    def __init__(self, *, limit_seconds: float = 10.0) -> None:
        self._limit_seconds = limit_seconds
        self._last_beat = time.monotonic()
        self._stopped = threading.Event()
        self._beating: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch the running loop."""
        self._last_beat = time.monotonic()
        self._beating = asyncio.create_task(self._beat())
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Watch no longer."""
        self._stopped.set()
        if self._beating:
            self._beating.cancel()

    async def _beat(self) -> None:
        while True:
            self._last_beat = time.monotonic()
            await asyncio.sleep(BEAT_SECONDS)

    def _watch(self) -> None:
        looked = time.monotonic()
        while not self._stopped.wait(BEAT_SECONDS):
            now = time.monotonic()
            if now - looked > BEAT_SECONDS * 3:
                # This thread did not run either: the whole process was frozen, the loop gets a new chance.
                self._last_beat = now
            looked = now
            if now - self._last_beat > self._limit_seconds:
                # A thread of its own: where standard error is not read, a write to it may never end.
                printing = threading.Thread(target=self._print_stacks, daemon=True)
                printing.start()
                printing.join(PRINT_SECONDS)
                os._exit(EXIT_CODE)

    def _print_stacks(self) -> None:
        sys.stderr.write(f"the event loop stood still for {self._limit_seconds:.0f} s, stacks follow\n")
        sys.stderr.flush()
        faulthandler.dump_traceback(all_threads=True)
