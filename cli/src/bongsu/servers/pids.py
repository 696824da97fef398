"""Processes by their ids: command line, start time, and the end of one that is not our child."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path

from bongsu.servers.process import wait_until

KILL_SECONDS = 2.0


def process_command(pid: int) -> str:
    """Return the command line of a process, "" when there is none of that number."""
    proc = Path("/proc") / str(pid)
    if Path("/proc/self").exists():
        with contextlib.suppress(OSError):
            return (proc / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        return ""
    return _ask_ps(pid, "command")


def process_start_time(pid: int) -> str:
    """Return a text that tells one process from a later one of the same number, "" when it is gone."""
    if Path("/proc/self").exists():
        with contextlib.suppress(OSError, IndexError):
            status = (Path("/proc") / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
            fields = status.rpartition(")")[2].split()
            return "" if fields[0] in "ZX" else fields[19]
        return ""
    return _ask_ps(pid, "lstart")


def pid_exists(pid: int) -> bool:
    """Return whether a process of that number exists, be it one that ended and was not reaped."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # of another user
    return True


def processes_in_folder(folder: Path) -> list[int]:
    """Return the processes whose working directory is `folder`; [] where the system does not tell."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if link.readlink() == folder:
                found.append(int(link.parent.name))
    return found


def terminate_process(pid: int, *, first: signal.Signals = signal.SIGTERM, seconds: float) -> None:
    """Ask a process that is not our child to end, and kill it after `seconds`; PermissionError if foreign."""
    started = process_start_time(pid)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, first)
        if not wait_until(lambda: process_start_time(pid) != started, seconds):
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: process_start_time(pid) != started, KILL_SECONDS)


def _ask_ps(pid: int, column: str) -> str:
    result = subprocess.run(
        ["ps", "-o", f"{column}=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return result.stdout.strip()
