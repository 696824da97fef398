"""HTTP connection with limits: of time, of size, and of how many there may be.

uvicorn sets no limit to how long a request may take to arrive, nor to how many connections there are, and
answers what is no HTTP in plain text.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from health.http.responses import problem

# Long enough for a slow line and for a page that asks every few seconds; a head that drips in has no longer.
REQUEST_SECONDS = 10.0
# How long one may leave an answer unread; a viewer of the page that sleeps comes back by itself.
SLOWEST_READ_SECONDS = 20.0
MAX_HEAD_BYTES = 16 * 1024
MOST_CONNECTIONS = 900
# A process may usually have 1,024 files open, and PostgreSQL and NATS must stay within reach.
OTHER_FILES = 40


class Connection(H11Protocol):
    """One client's connection.

    A request must have arrived whole within `REQUEST_SECONDS`, counted from the connection's start or from
    the answer before it. One that leaves an answer unread for `SLOWEST_READ_SECONDS` is cut off. Where there
    are too many connections, the one that has waited longest makes room.
    """

    _waiting: asyncio.TimerHandle
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection; make room for it first."""
        super().connection_made(transport)
        self._wait()
        most = most_connections()
        if len(self.connections) > most:
            _make_room(self.connections, most)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._waiting.cancel()
        if self._unread:
            self._unread.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client reads more slowly than we send; cut it off when that lasts."""
        self._unread = self.loop.call_later(SLOWEST_READ_SECONDS, self.transport.abort)
        super().pause_writing()

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._unread:
            self._unread.cancel()
        super().resume_writing()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._wait()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, or too long to be read, as a problem, and close."""
        too_long = len(self.conn.trailing_data[0]) > MAX_HEAD_BYTES
        self._refuse(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if too_long else HTTPStatus.BAD_REQUEST,
            f"more than {MAX_HEAD_BYTES} bytes without an end" if too_long else "this is no HTTP/1.1 request",
        )

    @property
    def is_idle(self) -> bool:
        """True while no answer is being made."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def waits_since(self) -> float:
        """When it began to wait, in the loop's time."""
        return self._waiting.when() - REQUEST_SECONDS

    def _wait(self) -> None:
        if hasattr(self, "_waiting"):
            self._waiting.cancel()
        self._waiting = self.loop.call_later(REQUEST_SECONDS, self._give_up)

    def _give_up(self) -> None:
        if not self.is_idle:
            # The answer is still being made; its end begins a new wait.
            return
        if self.conn.trailing_data[0] and self.conn.our_state is h11.IDLE:
            self._refuse(
                HTTPStatus.REQUEST_TIMEOUT, f"the request was not whole within {REQUEST_SECONDS:.0f} s"
            )
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        # After an answer that has begun, or is done while its request is still coming, a second one is none.
        if self.is_idle and self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            answer = problem(status, detail)
            head = h11.Response(
                status_code=status,
                reason=status.phrase.encode(),
                headers=[*answer.raw_headers, (b"connection", b"close")],
            )
            for event in (head, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _should_upgrade(self) -> bool:
        # uvicorn would log two warnings for each request that asks; it gets the plain answer.
        return False


def most_connections() -> int:
    """Return how many connections there may be, by what this process may have open."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if files < 0 else max(1, min(MOST_CONNECTIONS, files - OTHER_FILES))


def _make_room(connections: Iterable[Any], most: int) -> None:
    # One that is closing is in the set until the loop's next turn, and many may come in one turn.
    open_ones = [connection for connection in connections if not connection.transport.is_closing()]
    idle = [connection for connection in open_ones if connection.is_idle]
    if idle and len(open_ones) > most:
        min(idle, key=lambda connection: connection.waits_since).transport.close()
