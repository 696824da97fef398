"""Standard streams of a command, prepared so that printing never fails for a character."""

from __future__ import annotations

import errno
import io
import logging
import os
import sys
import warnings

import structlog


def prepare_standard_streams() -> None:
    """Let both streams take every character, in any locale, and closed ones (`>&-`) lead nowhere."""
    if sys.stdout is None:  # as Python finds it where the caller closed it
        sys.stdout = _null_device()
    if sys.stderr is None:
        sys.stderr = _null_device()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write_error(error: Exception) -> str:
    """Return what to say where the output has no room any more, "" for every other error."""
    if not isinstance(error, OSError) or error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return ""
    return f"the output cannot be written: {error.strerror}; make room, or write it to another place"


def silence_logs() -> None:
    """Drop what common and the libraries log or warn of: a command says itself what concerns its user."""
    warnings.simplefilter("ignore")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.getLogger().addHandler(logging.NullHandler())


def _null_device() -> io.TextIOWrapper:
    return open(os.devnull, "w", encoding="utf-8")
