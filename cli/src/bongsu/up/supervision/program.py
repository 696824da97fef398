"""Python program of Bongsu as a child process: a simulator or a service, by `python -m <module>`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from bongsu.servers.server_process import SupervisedProcess

ANSWER_SECONDS = 0.5


class Program(SupervisedProcess):
    """`python -m <module>`.

    Args:
        ready_url: What answers, with any status, once the program is up; None: it counts as up at once.
    """

    def __init__(
        self,
        name: str,
        module: str,
        arguments: Sequence[str] = (),
        *,
        environment: Mapping[str, str],
        directory: Path,
        log: Path,
        ready_url: str | None = None,
    ) -> None:
        super().__init__(name, log)
        self._ready_url = ready_url
        self._environment = environment
        self._directory = directory
        # -P: the working directory is the data dir, and nothing is imported from there.
        self._command = [sys.executable, "-P", "-m", module, *arguments]

    def is_ready(self) -> bool:
        """Return whether it answers; takes up to half a second."""
        if self._ready_url is None:
            return True
        try:
            httpx.get(self._ready_url, timeout=ANSWER_SECONDS, trust_env=False)
        except httpx.HTTPError:
            return False
        return True

    def launch(self) -> None:
        """Start it and return at once."""
        self.spawn(self._command, environment=self._environment, directory=self._directory)
