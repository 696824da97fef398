"""The `bongsu` command: what goes wrong ends in one line and an exit code, never in a traceback."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from types import FrameType

OLDEST_PYTHON = (3, 11)
EXIT_INTERRUPTED = 130
# Run until they are stopped, which is no failure.
STAYING = ("up", "reconcile")


def main() -> None:
    """Run the command line and exit: 0 fine, 1 failed, 2 usage, 69 unavailable, 77 not allowed."""
    if sys.version_info < OLDEST_PYTHON:
        wanted, found = ".".join(map(str, OLDEST_PYTHON)), ".".join(map(str, sys.version_info[:3]))
        _end(f"Python {wanted} or newer is needed, this is {found}; run `make run`, which finds one", 1)
    stays = bool(sys.argv[1:2]) and sys.argv[1] in STAYING
    try:
        if stays:
            # Also before its own handlers stand, where a script's background job ignores INT, and as the
            # first process of a container, which TERM does not end by itself.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, _interrupt)
        # Only now: an older Python could not even read these.
        from common.optional_imports import hide_packages_of_others

        hide_packages_of_others(but=("rich",))
        from bongsu.invocation import run
        from bongsu.standard_streams import prepare_standard_streams, silence_logs

        prepare_standard_streams()
        silence_logs()
        code, message = run(sys.argv[1:])
    except KeyboardInterrupt:
        code, message = 0 if stays else EXIT_INTERRUPTED, ""
    _end(message, code)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _end(message: str, code: int) -> None:
    try:
        sys.stdout.flush()
    except OSError:
        # The error is reported already; the interpreter would report it once more while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with contextlib.suppress(OSError):
        if message:
            sys.stderr.write(f"bongsu: {message}\n")
            sys.stderr.flush()
    sys.exit(code)


if __name__ == "__main__":
    main()
