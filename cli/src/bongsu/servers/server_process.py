"""Lifecycle of a child process: prepare, launch, wait until ready, stop, and a new port for a lost one.

A port is chosen before the server listens on it, and another program may take it in between.
"""

from __future__ import annotations

import signal
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Self

from bongsu.errors import ServerError
from bongsu.servers import ports
from bongsu.servers.process import ChildProcess, last_line, wait_until

ATTEMPTS = 5


class SupervisedProcess(ChildProcess, ABC):
    """A program that is started, watched and stopped as a child process.

    Attributes:
        name: As it is called in run.json and in lines for people.
    """

    def __init__(self, name: str, log: Path) -> None:
        super().__init__(log)
        self.name = name

    def prepare(self) -> None:
        """Make files and folders; may take a second."""

    @abstractmethod
    def launch(self) -> None:
        """Start it and return at once."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Return whether it answers; may take half a second."""

    def retry_start(self) -> bool:
        """After a start that failed: remove the reason if that can be done, return whether it was."""
        return False

    def failure(self) -> ServerError:
        """Return why it does not run, with the last line of its log."""
        reason = "does not answer" if self.running else f"ended with exit code {self.exit_code}"
        line = last_line(self.log)
        return ServerError(self.name, f"{reason}: {line}" if line else reason, log=self.log)


class EmbeddedServer(SupervisedProcess):
    """A server on a loopback port of its own, which it keeps from its first start on.

    Attributes:
        title: The server's name in errors.
        start_seconds: How long a start may take.
        stop_signals: What asks it to stop, in order, each with the seconds that it is given.

    Args:
        port: None takes a free one.
    """

    title: ClassVar[str]
    start_seconds: ClassVar[float]
    stop_signals: ClassVar[tuple[tuple[signal.Signals, float], ...]]

    def __init__(self, name: str, log: Path, *, port: int | None) -> None:
        super().__init__(name, log)
        self.port = port or ports.free_port()
        # False once others know the port.
        self._may_change_port = port is None

    def start(self) -> Self:
        """Prepare, launch and return when it takes connections; raises its `failure()` otherwise."""
        self.prepare()
        for _ in range(ATTEMPTS):
            self.launch()
            if wait_until(lambda: self.is_ready() or not self.running, self.start_seconds) and self.running:
                return self
            if self.running or not self.retry_start():
                break
        raise self.failure()

    def is_ready(self) -> bool:
        """Return whether it answers; from then on it keeps its port."""
        if not self._answers():
            return False
        self._may_change_port = False
        return True

    def retry_start(self) -> bool:
        """After a start that failed: take other ports if one was lost, return whether it was."""
        if not self._may_change_port or all(map(ports.is_free, self._ports())):
            return False
        self._change_ports()
        self._write_configuration()
        return True

    def stop(self) -> None:
        """Stop; killed where that takes too long."""
        for number, seconds in self.stop_signals:
            if self.signal_and_wait(number, seconds):
                break
        self.kill()

    def failure(self) -> ServerError:
        """Return why it did not start, with the last line of its log."""
        line = last_line(self.log) or f"ended with exit code {self.exit_code}"
        return ServerError(self.title, f"did not start: {line}", log=self.log)

    def _ports(self) -> tuple[int, ...]:
        return (self.port,)

    def _change_ports(self) -> None:
        self.port = ports.free_port()

    @abstractmethod
    def _answers(self) -> bool:
        """Return whether this very server takes connections."""

    @abstractmethod
    def _write_configuration(self) -> None:
        """Write the configuration for the ports it has now."""
