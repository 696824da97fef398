"""Job runs and retries in a log; other lines are left out, broken ones are counted."""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from io import BufferedReader
from typing import Any

from pydantic import AwareDatetime, BaseModel

from bongsu.errors import NotAllowedError, UsageError
from common.events import JobFinished
from common.telemetry.names import LogEvent

STANDARD_INPUT = "-"
MAX_LINE_BYTES = 4 * 1024 * 1024
# As far as one looks for a zero byte, which no text has.
BEGINNING_BYTES = 1024
_PACKED = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# `docker compose logs` puts "collector-1  | " before each line.
_AFTER_NAME = b" | {"


class _RetryLine(BaseModel):
    timestamp: AwareDatetime
    dependency: str


@dataclass
class JobLog:
    """What was read.

    Attributes:
        runs: How many are in the log, those before `since` too.
        scheduled: Retries by dependency.
        exhausted: Calls that failed for good, by dependency.
        broken: Lines that are no JSON object, or a run or retry that lacks a field.
        first_broken: File and number of the first of them.
    """

    runs: int = 0
    scheduled: Counter[str] = field(default_factory=Counter)
    exhausted: Counter[str] = field(default_factory=Counter)
    lines: int = 0
    broken: int = 0
    first_broken: str = ""


def read_job_logs(
    names: Sequence[str], take: Callable[[JobFinished], None], *, since: datetime | None
) -> JobLog:
    """Give every run in these files to `take`, of all times or from `since` on; gzip is unpacked.

    Args:
        names: Paths; `-` is standard input.

    Raises:
        UsageError: One of them cannot be read, or holds no text.
    """
    log = JobLog()
    for name in names:
        with _opened(name) as file:
            for number, line in enumerate(_lines(file), start=1):
                log.lines += 1
                try:
                    _count(log, take, _fields(line), since)
                except (ValueError, RecursionError):
                    log.broken += 1
                    log.first_broken = log.first_broken or f"{name} line {number}"
    return log


def _count(
    log: JobLog, take: Callable[[JobFinished], None], line: dict[str, Any], since: datetime | None
) -> None:
    event = line.get("event")
    if event == LogEvent.JOB_FINISHED:
        # What is not among the designed fields may be missing.
        known = {"instance": "", "trace_id": "", **line, "finished_at": line.get("timestamp")}
        record = JobFinished.model_validate(known)
        log.runs += 1
        if since is None or record.finished_at >= since:
            take(record)
    elif event in (LogEvent.RETRY_SCHEDULED, LogEvent.RETRY_EXHAUSTED):
        retry = _RetryLine.model_validate(line)
        if since is None or retry.timestamp >= since:
            counter = log.scheduled if event == LogEvent.RETRY_SCHEDULED else log.exhausted
            counter[retry.dependency] += 1


def _fields(line: bytes) -> dict[str, Any]:
    text = line.removeprefix(_BYTE_ORDER_MARK).strip()
    if not text:
        return {}
    if not text.startswith(b"{"):
        _, found, rest = text.partition(_AFTER_NAME)
        text = b"{" + rest if found else text
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError("not an object")
    return document


def _lines(file: BufferedReader | gzip.GzipFile) -> Iterator[bytes]:
    """Yield line by line; of one that is too long only the beginning, which is no JSON."""
    while part := file.readline(MAX_LINE_BYTES):
        yield part
        while len(part) == MAX_LINE_BYTES and not part.endswith(b"\n"):
            part = file.readline(MAX_LINE_BYTES)


@contextmanager
def _opened(name: str) -> Iterator[BufferedReader | gzip.GzipFile]:
    shown = "standard input" if name == STANDARD_INPUT else name
    try:
        with _raw(name) as raw:
            file = gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == _PACKED else raw
            if b"\0" in file.peek(BEGINNING_BYTES)[:BEGINNING_BYTES]:
                raise UsageError(
                    f"--log {shown}: is no text; name a log of JSON lines, or one packed with gzip"
                )
            yield file
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UsageError(f"--log {shown}: cannot be unpacked ({error}); it is cut off or damaged") from error
    except OSError as error:
        problem = f"cannot be read ({error.strerror}); name a log of JSON lines, or - for standard input"
        kind = NotAllowedError if isinstance(error, PermissionError) else UsageError
        raise kind(f"--log {shown}: {problem}") from error


def _raw(name: str) -> BufferedReader:
    if name != STANDARD_INPUT:
        return open(name, "rb")
    if sys.stdin is None:  # as Python finds it where the caller closed it
        raise UsageError("--log -: standard input is closed; name a file")
    return open(sys.stdin.fileno(), "rb", closefd=False)
