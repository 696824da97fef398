"""Disk probe: which disk counts, and what is left out."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from health.probes.disk import fullest_disk


def test_the_disk_with_the_smallest_free_share_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    disks = {
        Path("/data"): usage(2000, 0, 100),
        Path("/var/lib/cluster"): usage(50, 0, 40),
        # As /proc says of itself.
        Path("/virtual"): usage(0, 0, 0),
    }
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: disks[folder])
    reading = fullest_disk(tuple(disks))
    assert reading is not None
    assert (reading.size, reading.free) == (2000, 100)


def test_a_folder_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    assert fullest_disk((nowhere,)) is None
    reading = fullest_disk((nowhere, tmp_path))
    assert reading is not None
    assert reading.size == shutil.disk_usage(tmp_path).total
