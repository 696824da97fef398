"""Disk probe: the room on the fullest of the disks that hold the data, kept in memory.

It runs from the first moment, without a database: a full disk may be what keeps PostgreSQL from starting.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from common.tasks import Background
from health.domain import DiskUsage

# As often as Prometheus usually asks.
PROBE_SECONDS = 10.0


class DiskProbe(Background):
    """Keeps `reading` true; None until a folder could be measured.

    Args:
        folders: Where the data is; one that is not there yet is left out.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        super().__init__("disk_probe", self._probe)
        self._folders = folders
        self.reading: DiskUsage | None = None

    async def _probe(self) -> None:
        while True:
            # In a thread: a disk that hangs is asked all the same.
            self.reading = await asyncio.to_thread(fullest_disk, self._folders)
            await asyncio.sleep(PROBE_SECONDS)


def fullest_disk(folders: Sequence[Path]) -> DiskUsage | None:
    """Return the usage of the disk with the smallest free share; None where no folder can be measured."""
    usages = []
    for folder in folders:
        with contextlib.suppress(OSError):
            usage = shutil.disk_usage(folder)
            if usage.total:
                usages.append(DiskUsage(size=usage.total, free=usage.free))
    return min(usages, key=lambda usage: usage.free / usage.size, default=None)
