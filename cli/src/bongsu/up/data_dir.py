"""Data dir of one run: its lock, run.json, and the orphans of a run that was killed."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bongsu.errors import CommandError, file_error
from bongsu.servers.atomic_write import write_file
from bongsu.servers.pids import process_start_time, terminate_process
from bongsu.servers.postgres.paths import remove_cluster
from common.clock import utc_now

ONLY_OWNER = 0o700
# Root's PostgreSQL is another user and has to pass through to its cluster; it cannot list or read.
ROOTS = 0o711
ORPHAN_SECONDS = 2.0


class DataDir:
    """One run's folder, held by a lock that the kernel gives back when this process ends, however it does."""

    def __init__(self, path: Path, *, ephemeral: bool) -> None:
        self.path = path
        self._ephemeral = ephemeral
        self._lock: int | None = None

    @classmethod
    def open(cls, wanted: Path | None, *, default: Path, ephemeral: bool) -> DataDir:
        """Make the folder if need be and hold it.

        Raises:
            CommandError: Not writable, held by another run, or to be ephemeral but not empty.
        """
        path = wanted or (_temporary() if ephemeral else default)
        try:
            if ephemeral and path.is_dir() and any(path.iterdir()):
                raise CommandError(
                    f"{path}: --ephemeral deletes its folder in the end, but this one is not empty;"
                    " name an empty or new one, or none"
                )
            _make(path)
            folder = cls(path.resolve(), ephemeral=ephemeral)
            folder._acquire_lock(path)
        except OSError as error:
            raise file_error(error)(
                f"{path}: cannot be used as data dir ({error.strerror}); name one that you may write to:"
                " --data-dir DIR"
            ) from error
        return folder

    @property
    def logs(self) -> Path:
        """Where every child's log is."""
        return self.path / "logs"

    def close(self) -> None:
        """Give the folder back; an ephemeral one is deleted."""
        (self.path / "run.json").unlink(missing_ok=True)
        (self.path / "children.json").unlink(missing_ok=True)
        if self._ephemeral:
            remove_cluster(self.path / "postgres")
            shutil.rmtree(self.path, ignore_errors=True)
        else:
            (self.path / "lock").unlink(missing_ok=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def write_run(self, document: Mapping[str, Any]) -> None:
        """Write `run.json`, by which the other commands find the stack; readable by its owner only."""
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        write_file(self.path / "run.json", text, mode=0o600)

    def write_children(self, pids: Mapping[str, int]) -> None:
        """Write down the children, for a next run to end where the kernel did not."""
        children = {name: {"pid": pid, "started": process_start_time(pid)} for name, pid in pids.items()}
        write_file(self.path / "children.json", json.dumps(children, indent=1) + "\n", mode=0o600)

    def end_orphans(self) -> list[str]:
        """End the children of a run that was killed; returns their names."""
        ended = []
        recorded: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            recorded = dict(json.loads((self.path / "children.json").read_text(encoding="utf-8")))
        for name, child in recorded.items():
            with contextlib.suppress(KeyError, TypeError, ValueError, PermissionError):
                pid, started = int(child["pid"]), str(child["started"])
                if started and process_start_time(pid) == started:
                    first = signal.SIGINT if name == "postgres" else signal.SIGTERM
                    terminate_process(pid, first=first, seconds=ORPHAN_SECONDS)
                    ended.append(name)
        return ended

    def _acquire_lock(self, shown: Path) -> None:
        lock = self.path / "lock"
        while True:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                os.close(handle)
                raise CommandError(_held_message(lock, shown)) from error
            if _is_same_file(lock, handle):
                break
            # The holder before us removed the file between our two calls.
            os.close(handle)
        os.ftruncate(handle, 0)
        os.write(
            handle, json.dumps({"pid": os.getpid(), "since": f"{utc_now():%Y-%m-%dT%H:%M:%SZ}"}).encode()
        )
        self._lock = handle
        # Its writer was killed.
        (self.path / "run.json").unlink(missing_ok=True)


def _temporary() -> Path:
    path = Path(tempfile.mkdtemp(prefix="bongsu-"))
    path.chmod(_mode())
    return path


def _mode() -> int:
    return ROOTS if os.geteuid() == 0 else ONLY_OWNER


def _make(path: Path) -> None:
    if not path.exists():
        path.mkdir(parents=True, exist_ok=True, mode=ONLY_OWNER)
        path.chmod(_mode())
    (path / "logs").mkdir(exist_ok=True, mode=ONLY_OWNER)


def _held_message(lock: Path, shown: Path) -> str:
    holder = "another run"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        document = json.loads(lock.read_text(encoding="utf-8"))
        holder = f"process {document['pid']} since {document['since']}"
    return f"{shown} is held by {holder}; stop that one, or give this one a folder of its own: --data-dir DIR"


def _is_same_file(lock: Path, handle: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(lock.stat(), os.fstat(handle))
    return False
