"""How does a whole process tree stand still? SIGSTOP, and SIGCONT in the end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

import psutil


@contextmanager
def frozen(*pids: int | None) -> Iterator[None]:
    """Freeze these processes and their children, a PostgreSQL's backends too, for the length of the block."""
    parents = [psutil.Process(pid) for pid in pids]
    processes = [*parents, *(child for parent in parents for child in parent.children(recursive=True))]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()
