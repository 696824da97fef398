"""Disk image as it is at the moment of a power cut: an ext4 of its own in a file, copied raw.

The file holds what the file system has written to its device. What only the kernel's cache knows, because
no one asked for it to be synced, is not in it: as after a power cut. A copy is a file system in itself, which
repairs itself from its journal when it is mounted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SIZE_MB = 1024
STEP_SECONDS = 60.0


class NoLoopDeviceError(Exception):
    """This machine or this user cannot mount a file; the message says why."""


@dataclass(frozen=True)
class Image:
    """A mounted file system and the file that it is in."""

    file: Path
    directory: Path


@contextmanager
def new_image(folder: Path) -> Iterator[Image]:
    """Make an empty one and mount it; NoLoopDeviceError where that cannot be done."""
    file = folder / "disk.img"
    with file.open("wb") as empty:
        empty.truncate(SIZE_MB << 20)
    # Nothing may be left to do for the kernel later, while the test believes that nothing is written.
    _run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(file))
    with _mounted(file, folder / "disk") as image:
        yield image


@contextmanager
def raw_copy(image: Image, folder: Path) -> Iterator[Image]:
    """Copy the file as it is, not what is mounted, and mount the copy; both are gone afterwards."""
    file = folder / "copy.img"
    _run("cp", "--sparse=always", str(image.file), str(file))
    try:
        with _mounted(file, folder / "copy") as copy:
            yield copy
    finally:
        file.unlink()


@contextmanager
def _mounted(file: Path, directory: Path) -> Iterator[Image]:
    directory.mkdir(exist_ok=True)
    _run("mount", "-o", "loop", str(file), str(directory))
    try:
        yield Image(file, directory)
    finally:
        # Lazily: whatever went wrong before, and may still hold a file of it, is the error to be seen.
        _run("umount", "--lazy", str(directory))


def _run(*command: str) -> None:
    if os.geteuid() != 0:
        raise NoLoopDeviceError("only root may mount a file")
    if shutil.which(command[0]) is None:
        raise NoLoopDeviceError(f"{command[0]} is not installed")
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=STEP_SECONDS)
    if result.returncode != 0:
        raise NoLoopDeviceError(f"{' '.join(command)}: {result.stderr.strip()}")
