"""Probe of a URL every 20 ms: a line each, when (monotonic seconds), and whether the answer was 200."""

from __future__ import annotations

import contextlib
import sys
import time
import urllib.request

PAUSE_SECONDS = 0.02
ANSWER_SECONDS = 2.0


def main(url: str) -> None:
    """Ask for ever."""
    while True:
        began = time.monotonic()
        print(f"{began:.3f} {int(_answers(url))}", flush=True)
        time.sleep(max(0.0, PAUSE_SECONDS - (time.monotonic() - began)))


def _answers(url: str) -> bool:
    with (
        contextlib.suppress(OSError, ValueError),
        urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as answer,
    ):
        return int(answer.status) == 200
    return False


if __name__ == "__main__":
    main(sys.argv[1])
