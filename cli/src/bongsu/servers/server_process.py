"""How is a server started that may lose its port to somebody between choosing and listening?"""

from __future__ import annotations

from typing import Protocol

from bongsu.errors import ServerError
from bongsu.servers.process import wait_until

ATTEMPTS = 5


class Startable(Protocol):
    """A server as seen by whoever starts it."""

    @property
    def running(self) -> bool:
        """True while its process lives."""

    def prepare(self) -> None:
        """Make files and folders; may take a second."""

    def launch(self) -> None:
        """Start the process and return at once."""

    def is_ready(self) -> bool:
        """Return whether it answers; may take half a second."""

    def retry_start(self) -> bool:
        """After a start that failed: return whether another try can go better."""

    def failure(self) -> ServerError:
        """Return why it does not run."""


def start_server(server: Startable, *, within_seconds: float) -> None:
    """Prepare, launch and wait until it is ready; raises its `failure()` when that does not happen."""
    server.prepare()
    for _ in range(ATTEMPTS):
        server.launch()
        if wait_until(lambda: server.is_ready() or not server.running, within_seconds) and server.running:
            return
        if server.running or not server.retry_start():
            break
    raise server.failure()
