"""Child process in a session of its own, which the kernel kills when its parent dies."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypedDict

LOG_BYTES = 10 * 1024 * 1024
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Account:
    """The user a child runs as."""

    uid: int
    gid: int


class AccountArguments(TypedDict, total=False):
    """What `subprocess` calls the user of a child."""

    user: int
    group: int
    extra_groups: list[int]


class ChildProcess:
    """One program in a session of its own, with its output in a log file.

    On Linux it is killed by the kernel when the thread that started it ends, so start children from a
    thread that lives as long as they should. Elsewhere the next start ends what a killed run left.

    Attributes:
        stop_signal: What asks the program to end.
        log: File that stdout and stderr are appended to; one over 10 MB is set aside at a start.
    """

    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, log: Path) -> None:
        self.log = log
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id, None while it does not run."""
        return self._popen.pid if self._popen and self.running else None

    @property
    def running(self) -> bool:
        """True from a start until the program has ended."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How the last run ended: negative for a signal, None while it runs or before the first."""
        return self._popen.poll() if self._popen else None

    def spawn(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path,
        account: Account | None = None,
    ) -> None:
        """Start a program and return at once; OSError where it cannot be executed.

        Args:
            environment: The whole environment; nothing is inherited.
            account: Another user to run as; needs root.
        """
        rotate_log(self.log)
        with self.log.open("ab") as output:
            self._popen = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                cwd=directory,
                start_new_session=True,
                preexec_fn=die_with_parent(os.getpid()),  # noqa: PLW1509  calls two functions of libc, no lock
                **account_arguments(account),
            )

    def terminate(self) -> None:
        """Send the stop signal and return at once."""
        self._signal(self.stop_signal)

    def kill(self) -> None:
        """End the whole session at once, as a crash would; nothing of it is left when this returns."""
        if self._popen:
            self._signal(signal.SIGKILL)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait()

    def signal_and_wait(self, number: signal.Signals, seconds: float) -> bool:
        """Send another signal; return whether the program ended within `seconds`."""
        self._signal(number)
        try:
            if self._popen:
                self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _signal(self, number: signal.Signals) -> None:
        if self._popen and self._popen.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self._popen.send_signal(number)


def account_arguments(account: Account | None) -> AccountArguments:
    """Return the arguments of `subprocess` that make a child run as `account`."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def die_with_parent(parent: int) -> Callable[[], None]:
    """Return what a child runs between fork and exec so that the kernel kills it with process `parent`."""
    if not sys.platform.startswith("linux"):
        return lambda: None
    libc = ctypes.CDLL(None)

    def request_death_signal() -> None:
        # CPython changes the user before this runs; a later change would clear the request.
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return request_death_signal


def rotate_log(log: Path) -> None:
    """Set a log file over 10 MB aside as `<name>.1`; the one before that is replaced."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LOG_BYTES:
            log.replace(log.with_name(f"{log.name}.1"))


def last_line(log: Path) -> str:
    """Return the newest line that is not blank in a log file, "" when there is none."""
    with contextlib.suppress(OSError):
        lines = log.read_bytes()[-4000:].decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")
    return ""


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Return True as soon as `condition` holds, False when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
