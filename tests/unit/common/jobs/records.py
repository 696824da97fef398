"""Where the runs of a test are reported."""

from __future__ import annotations

from common.events import JobFinished
from common.jobs.tracking import JobOwner


class Records:
    """The finished runs, oldest first."""

    def __init__(self) -> None:
        self.all: list[JobFinished] = []
        self.owner = JobOwner("collector", "c-1", self.all.append)

    @property
    def only(self) -> JobFinished:
        (record,) = self.all
        return record
