"""Pseudo-terminal around a command, for what a person sees of it."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import termios

from servers.commands import COMMAND, SECONDS, Ended
from servers.surroundings import surroundings


def in_terminal(*arguments: str, columns: int, **environment: str) -> Ended:
    """Run a command on a terminal of that many columns; both its outputs come as one."""
    ours, its = os.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=its,
        stdout=its,
        stderr=its,
        cwd="/",
        env=surroundings(**{"TERM": "xterm-256color", **environment}),
        start_new_session=True,
    )
    os.close(its)
    printed = b""
    with os.fdopen(ours, "rb", buffering=0) as screen:
        while part := _read(screen.fileno()):
            printed += part
    return Ended(process.wait(SECONDS), printed.decode("utf-8").replace("\r\n", "\n"), "")


def _read(screen: int) -> bytes:
    try:
        return os.read(screen, 65536)
    except OSError:  # how Linux tells that the last process has closed the terminal
        return b""
