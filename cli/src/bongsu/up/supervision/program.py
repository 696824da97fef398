"""One Python program of ours as a child: a simulator or a service."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from bongsu.errors import ServerError
from bongsu.servers.process import ChildProcess, last_line

ANSWER_SECONDS = 0.5


class Program:
    """`python -m <module>`.

    Args:
        name: As it is called in run.json and in lines for people.
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
        self.name = name
        self.log = log
        self._ready_url = ready_url
        # -P: the working directory is the data dir, and nothing is imported from there.
        self._process = ChildProcess(
            [sys.executable, "-P", "-m", module, *arguments],
            log=log,
            environment=environment,
            directory=directory,
        )

    @property
    def pid(self) -> int | None:
        """The process id, None while it does not run."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """True while it lives."""
        return self._process.running

    @property
    def exit_code(self) -> int | None:
        """How it ended, as `ChildProcess.exit_code`."""
        return self._process.exit_code

    def prepare(self) -> None:
        """Nothing is to be made before it starts."""

    def launch(self) -> None:
        """Start it and return at once."""
        self._process.start()

    def is_ready(self) -> bool:
        """Return whether it answers; takes up to half a second."""
        if self._ready_url is None:
            return True
        try:
            httpx.get(self._ready_url, timeout=ANSWER_SECONDS, trust_env=False)
        except httpx.HTTPError:
            return False
        return True

    def retry_start(self) -> bool:
        """A program that fails at its start fails again."""
        return False

    def ask_to_stop(self) -> None:
        """Ask it to stop and return at once."""
        self._process.ask_to_stop()

    def kill(self) -> None:
        """End it and whatever it started at once."""
        self._process.kill()

    def failure(self) -> ServerError:
        """Return why it does not run, in its own last words."""
        words = last_line(self.log)
        reason = "does not answer" if self.running else f"ended with exit code {self.exit_code}"
        return ServerError(self.name, f"{reason}: {words}" if words else reason, log=self.log)
