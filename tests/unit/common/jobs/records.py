"""Finished runs of jobs, made up or reported in a test."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from common.events import JobFinished
from common.jobs.tracking import JobOwner

NINE = datetime(2026, 1, 13, 9, 0, tzinfo=UTC)


def finished(**changes: Any) -> JobFinished:
    """A good run of the collector's gap_repair, to be changed where a test wants another."""
    fields: dict[str, Any] = {
        "service": "collector",
        "instance": "collector-1",
        "job_name": "gap_repair",
        "run_id": "5f0c",
        "outcome": "ok",
        "duration_ms": 10.0,
        "attempts": 1,
        "error": None,
        "finished_at": NINE,
        "trace_id": "0" * 32,
    }
    return JobFinished(**fields | changes)


class Records:
    """The finished runs, oldest first."""

    def __init__(self) -> None:
        self.all: list[JobFinished] = []
        self.owner = JobOwner("collector", "c-1", self.all.append)

    @property
    def only(self) -> JobFinished:
        (record,) = self.all
        return record
