"""A `bongsu` command as a person or a script runs it: a process, its exit code, what it prints."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from typer.core import TyperGroup
from typer.main import get_command

from bongsu.app import build_app
from servers.surroundings import surroundings
from servers.waiting import HANG_SECONDS

COMMAND = (sys.executable, "-m", "bongsu")


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The only line on stderr."""
        assert len(self.err.splitlines()) == 1, self.err
        return self.err

    @property
    def document(self) -> Any:
        """The only JSON document on stdout."""
        return json.loads(self.out)


def every_command() -> Iterator[tuple[str, bool]]:
    """Yield every command line without its arguments, and whether it does something; some groups do not."""
    app = get_command(build_app())
    assert isinstance(app, TyperGroup)
    for name, command in app.commands.items():
        group = command if isinstance(command, TyperGroup) else None
        yield from ((f"{name} {each}", True) for each in (group.commands if group else ()))
        yield name, group is None or group.invoke_without_command


@contextmanager
def started(
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    stdout: int | IO[bytes] = subprocess.PIPE,
    stderr: int | IO[bytes] = subprocess.PIPE,
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command whose end the test brings about; one that is left over is killed.

    SIGINT ends it, even where the tests run in the background of a script, which ignores it.
    """
    # What is ignored stays ignored in a child; what is handled is not.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            cwd="/",
            env=surroundings(**(environment or {})),
        )
    finally:
        signal.signal(signal.SIGINT, handler)
    with process:
        try:
            yield process
        finally:
            process.kill()


def bongsu(*arguments: str, **environment: str) -> Ended:
    """Run a command to its end, in a folder without a stack; what it prints is UTF-8."""
    result = subprocess.run(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=HANG_SECONDS,
        cwd="/",
        env=surroundings(**environment),
    )
    return Ended(result.returncode, result.stdout, result.stderr)


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
    try:
        with os.fdopen(ours, "rb", buffering=0) as screen:
            while part := _read(screen.fileno()):
                printed += part
        code = process.wait(HANG_SECONDS)
    finally:
        process.kill()
    return Ended(code, printed.decode("utf-8").replace("\r\n", "\n"), "")


def _read(screen: int) -> bytes:
    try:
        return os.read(screen, 65536)
    except OSError:  # how Linux tells that the last process has closed the terminal
        return b""
