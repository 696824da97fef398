"""HTTP server: uvicorn inside the service's own event loop, without its signal handlers."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from health.http.connection import MAX_HEAD_BYTES, SLOWEST_READ_SECONDS, Connection

BACKLOG = 512
# Taken in one turn of the loop; each is a file more before the next turn can close one.
TAKEN_AT_ONCE = 16
STARTED_POLL_SECONDS = 0.01


class ListenError(Exception):
    """The address cannot be listened on; one sentence that names it and the way out."""


def listen(host: str, port: int) -> socket.socket:
    """Return a bound socket; ListenError when the port is taken or the host is not ours."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # Only with the protocol named does asyncio set TCP_NODELAY; without it an answer takes 40 ms.
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ListenError(f"cannot listen on {host}:{port} ({error.strerror}); set HEALTH_HOST") from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # One who is gone without a word is noticed by what it does not acknowledge.
            bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(SLOWEST_READ_SECONDS * 1000))
        bound.bind(address)
        # Now, not when the server starts: a bound port that does not listen can be bound twice.
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise ListenError(f"address in use: {host}:{port}; choose another with HEALTH_PORT") from error
        reason = error.strerror
        raise ListenError(
            f"cannot listen on {host}:{port} ({reason}); set HEALTH_HOST or HEALTH_PORT"
        ) from error
    return bound


class HttpServer:
    """Serves one application on one socket."""

    def __init__(self, app: FastAPI, bound: socket.socket) -> None:
        self._bound = bound
        self._server = _Uvicorn(
            uvicorn.Config(
                app,
                http=Connection,
                ws="none",
                h11_max_incomplete_event_size=MAX_HEAD_BYTES,
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                backlog=TAKEN_AT_ONCE,
                timeout_graceful_shutdown=1,
            )
        )
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Serve; returns when requests are taken."""
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._bound]))
        while not self._server.started and not self._serving.done():
            await asyncio.sleep(STARTED_POLL_SECONDS)
        # asyncio has shortened the queue to what it takes at once.
        self._bound.listen(BACKLOG)

    async def stop(self) -> None:
        """Take no more requests; those that run have a second."""
        self._server.should_exit = True
        if self._serving:
            await self._serving
        self._bound.close()


class _Uvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the runtime."""
        yield
