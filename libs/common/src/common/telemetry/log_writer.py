"""Writer of log lines that never blocks its caller.

A full pipe without a reader blocks every write, so a thread writes there. A file never blocks: it is written
at once, so that nothing of it is missing when the process is killed.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import stat
import threading
from collections import deque
from typing import TextIO

from common.clock import utc_now
from common.telemetry.names import LogEvent

# About 2 MB; more lines than that are counted instead of kept while no one reads.
KEPT_LINES = 4000
FLUSH_SECONDS = 0.5


class LogOutput:
    """Takes whole lines for a stream; counts those that cannot be written, and writes the count later."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._closed = False
        self._changed = threading.Condition()
        self._writing: threading.Thread | None = None
        if _may_block(stream):
            self._writing = threading.Thread(target=self._write_all, name="log", daemon=True)
            self._writing.start()

    def write(self, line: str) -> None:
        """Hand a line over; OSError where a file cannot take it."""
        if self._writing is None:
            self._stream.write(line)
            self._stream.flush()
            return
        with self._changed:
            if len(self._lines) < KEPT_LINES:
                self._lines.append(line)
            else:
                self._dropped += 1
            self._changed.notify_all()

    def flush(self) -> None:
        """Return once everything is written, at the latest after half a second."""
        if self._writing is not None:
            with self._changed:
                self._changed.wait_for(lambda: not self._lines, FLUSH_SECONDS)

    def close(self) -> None:
        """Write what is waiting and take no further line."""
        self.flush()
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _write_all(self) -> None:
        # Past Python's buffer: its lock would be held by a write that never ends.
        file = self._stream.fileno()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines or self._closed)
                if not self._lines:
                    return
                line, dropped = self._lines[0], self._dropped
            notice = _drop_notice(dropped) if dropped else ""
            is_written = _write(file, (notice + line).encode(errors="backslashreplace"))
            with self._changed:
                self._lines.popleft()
                self._dropped += -dropped if is_written else 1
                self._changed.notify_all()


def _may_block(stream: TextIO) -> bool:
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except (OSError, io.UnsupportedOperation):
        return False
    return not stat.S_ISREG(mode)


def _write(file: int, line: bytes) -> bool:
    with contextlib.suppress(OSError):
        while line:
            line = line[os.write(file, line) :]
    return not line


def _drop_notice(dropped: int) -> str:
    line = {"event": LogEvent.LOGGING_DROPPED, "level": "error", "lines": dropped}
    return json.dumps({"timestamp": utc_now().isoformat(), **line}) + "\n"
