"""TCP proxy before a real server: it cuts, stalls, delays, drops or corrupts what passes through it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

HOST = "127.0.0.1"
READ_BYTES = 65536
GARBAGE = b"\x00\xff\r\n\x17 part of no protocol \r\n"
# Closing with a linger of zero seconds sends a reset instead of a polite end.
_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """A proxy on loopback; connections made while it stalls are accepted, and wait.

    Args:
        server_port: Where the server listens; it may be away for a while.

    Attributes:
        port: Where the proxy listens.
        delay_seconds: By how much everything from the server is late from now on.
        dropping: A chunk from the server that holds these bytes does not arrive; None drops nothing.
        dropped: How many chunks did not arrive.
    """

    def __init__(self, server_port: int) -> None:
        self.server_port = server_port
        self.port = 0
        self.delay_seconds = 0.0
        self.dropping: bytes | None = None
        self.dropped = 0
        self._listener: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None] | None] = set()
        self._ends: set[asyncio.StreamWriter] = set()
        self._corrupt_chunks = 0
        self._to_server = asyncio.Event()
        self._to_client = asyncio.Event()
        self.heal()

    async def listen(self) -> None:
        """Accept connections, after `close` at the same port again."""
        self._listener = await asyncio.start_server(self._serve, HOST, self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def close(self, *, port_outlives_seconds: float = 0.0) -> None:
        """Close every connection, and so much later the port with what it accepted in between."""
        await self._close_connections()
        await asyncio.sleep(port_outlives_seconds)
        if self._listener:
            self._listener.close()
        await self._close_connections()

    def url(self, url: str) -> str:
        """Return a server's URL as it is reached through the proxy."""
        parts = urlsplit(url)
        return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{self.port}")))

    def cut(self) -> None:
        """Reset every connection there is; new ones are accepted."""
        for end in self._ends:
            with contextlib.suppress(OSError, AttributeError):
                end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            end.transport.abort()
        self._ends.clear()

    def stall(self, *, to_server: bool = True, to_client: bool = True) -> None:
        """Forward nothing in these directions, and keep the connections."""
        if to_server:
            self._to_server.clear()
        if to_client:
            self._to_client.clear()

    def corrupt(self, chunks: int) -> None:
        """Put bytes that are no protocol into the middle of the next so many chunks to the client."""
        self._corrupt_chunks = chunks

    def heal(self) -> None:
        """Forward everything again, also what was held back."""
        self._to_server.set()
        self._to_client.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection(HOST, self.server_port)
        except OSError:
            writer.transport.abort()
            return
        ends, task = {writer, server_writer}, asyncio.current_task()
        # One that was accepted just before the port closed is not served.
        if self._listener and self._listener.is_serving():
            self._ends |= ends
            self._tasks.add(task)
            # A plain cancellation of this task at the end of a run would be logged as an error by asyncio.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(
                    self._forward(reader, server_writer, self._to_server),
                    self._forward(server_reader, writer, self._to_client),
                )
            self._tasks.discard(task)
            self._ends -= ends
        for end in ends:
            end.close()

    async def _forward(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, gate: asyncio.Event
    ) -> None:
        try:
            while part := await source.read(READ_BYTES):
                if gate is self._to_client:
                    await asyncio.sleep(self.delay_seconds)
                    part = self._altered(part)
                await gate.wait()
                target.write(part)
                await target.drain()
        except OSError:
            pass  # one end is gone; the other learns it now
        finally:
            target.close()

    def _altered(self, part: bytes) -> bytes:
        if self.dropping and self.dropping in part:
            self.dropped += 1
            return b""
        if self._corrupt_chunks:
            self._corrupt_chunks -= 1
            middle = len(part) // 2
            return part[:middle] + GARBAGE + part[middle:]
        return part

    async def _close_connections(self) -> None:
        tasks = [task for task in self._tasks if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def proxy(server_port: int) -> AsyncIterator[Proxy]:
    """Forward connections to a server of this machine until the block ends."""
    made = Proxy(server_port)
    await made.listen()
    try:
        yield made
    finally:
        await made.close()
