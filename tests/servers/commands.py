"""A `bongsu` command as a person or a script runs it: a process, its exit code, what it prints."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from servers.surroundings import surroundings

COMMAND = (sys.executable, "-m", "bongsu")
SECONDS = 30.0


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


def bongsu(*arguments: str, **environment: str) -> Ended:
    """Run a command to its end, in a folder without a stack; what it prints is UTF-8."""
    result = subprocess.run(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        cwd="/",
        env=surroundings(**environment),
    )
    return Ended(result.returncode, result.stdout, result.stderr)
