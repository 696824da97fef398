"""Disk probe: which disk counts, and what is left out."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from health.probes.disk import fullest_disk


def test_the_disk_with_the_least_room_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    free = {Path("/data"): 300, Path("/var/lib/cluster"): 200, Path("/logs"): 400}
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(1000, 0, free[folder]))
    reading = fullest_disk(tuple(free))
    assert reading is not None
    assert (reading.size, reading.free) == (1000, 200)


def test_a_folder_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    assert fullest_disk((nowhere,)) is None
    reading = fullest_disk((nowhere, tmp_path))
    assert reading is not None
    assert reading.size == shutil.disk_usage(tmp_path).total
