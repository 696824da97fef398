"""Reader of log files: the newest lines of all files in order, then those that are added.

From the end backwards, so that the last hundred lines of a large file cost no more than those of a small one.
"""

from __future__ import annotations

import heapq
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from bongsu.logs.lines import Level, LogLine, parse_line

BLOCK_BYTES = 64 * 1024
# So many lines without a time in a row belong to no line before.
MOST_FOLLOWING = 1000
MOST_AT_ONCE = 4 * 1024 * 1024


class LogFile:
    """The log of one process, and where its reader stands; what was set aside at a start comes before it."""

    def __init__(self, path: Path, *, read_until: int | None = None) -> None:
        self.path = path
        self.process = path.stem
        self._read_until = _size(path) if read_until is None else read_until

    def backwards(self) -> Iterator[LogLine]:
        """Yield the lines that were there when this object was made, the newest first."""
        yield from self._lines(self.path, self._read_until)
        aside = self.path.with_name(f"{self.path.name}.1")
        if aside.exists():
            yield from self._lines(aside, _size(aside))

    def added(self) -> list[LogLine]:
        """Return the whole lines that came since the last call."""
        size = _size(self.path)
        if size < self._read_until:
            # The process was started again, and what it had written before is set aside.
            self._read_until = 0
        with suppress(FileNotFoundError), self.path.open("rb") as file:
            file.seek(self._read_until)
            whole, end, _ = file.read(MOST_AT_ONCE).rpartition(b"\n")
            self._read_until += len(whole) + len(end)
            return list(self._grouped(reversed(whole.splitlines())))[::-1]
        return []

    def _lines(self, path: Path, size: int) -> Iterator[LogLine]:
        with suppress(FileNotFoundError), path.open("rb") as file:
            yield from self._grouped(_backwards(file.fileno(), size))

    def _grouped(self, lines: Iterator[bytes]) -> Iterator[LogLine]:
        following: list[str] = []
        for raw in lines:
            text = raw.decode("utf-8", "replace").rstrip("\r")
            if line := parse_line(self.process, text, following[::-1]):
                yield line
                following.clear()
            elif text.strip():
                following.append(text)
            if len(following) > MOST_FOLLOWING:
                yield self._untimed(following)
                following.clear()
        if following:
            yield self._untimed(following)

    def _untimed(self, backwards: Sequence[str]) -> LogLine:
        first, *rest = reversed(backwards)
        # What a program says without a time is mostly all it ever says, at its start.
        changed = self.path.stat().st_mtime if self.path.exists() else 0
        return LogLine(
            self.process, datetime.fromtimestamp(changed, UTC), Level.INFO, first, first, tuple(rest)
        )


def newest_lines(
    files: Sequence[LogFile], level: Level, *, since: datetime | None = None, limit: int | None = None
) -> list[LogLine]:
    """Return the newest lines of all files, at most `limit`, of this level or above, oldest first."""
    merged: Iterator[LogLine] = heapq.merge(
        *(file.backwards() for file in files), key=lambda line: line.time, reverse=True
    )
    if since is not None:
        merged = itertools.takewhile(lambda line: line.time >= since, merged)
    found = itertools.islice((line for line in merged if line.level >= level), limit)
    oldest_first = list(found)[::-1]
    # Threads write a few lines the wrong way round.
    oldest_first.sort(key=lambda line: line.time)
    return oldest_first


def follow(
    folder: Path, known: list[LogFile], is_wanted: Callable[[Path], bool], level: Level
) -> Iterator[list[LogLine]]:
    """Yield what was added since the last time, in order; [] when nothing was. Never ends."""
    while True:
        files = {file.path for file in known}
        for path in sorted(folder.glob("*.log")):
            if path not in files and is_wanted(path):
                known.append(LogFile(path, read_until=0))
        added = [line for file in known for line in file.added() if line.level >= level]
        yield sorted(added, key=lambda line: line.time)


def _backwards(file: int, end: int) -> Iterator[bytes]:
    """Yield the lines of the first `end` bytes, the last one first."""
    rest = b""
    while end > 0:
        begin = max(0, end - BLOCK_BYTES)
        rest = os.pread(file, end - begin, begin) + rest
        end = begin
        first, *lines = rest.split(b"\n")
        if end == 0:
            lines.insert(0, first)
            first = b""
        yield from reversed(lines)
        rest = first


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
