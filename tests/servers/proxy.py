"""A TCP link of one service to one server that can be cut, stalled, spoilt, or deaf in one direction."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

READ_BYTES = 65536
GARBAGE = b"\x00\xff\r\n\x17 nothing that anybody says \r\n"
# Closing with a linger of zero seconds sends a reset instead of a polite end.
_RESET = struct.pack("ii", 1, 0)


class Link:
    """A proxy on loopback; connections made while it stalls are taken, and wait.

    Args:
        server_port: Where the server listens; it may be away for a while.
    """

    def __init__(self, server_port: int) -> None:
        self.server_port = server_port
        self.port = 0
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self._spoilt = 0
        self._to_server = asyncio.Event()
        self._to_client = asyncio.Event()
        self.heal()

    async def listen(self) -> None:
        """Begin to take connections."""
        self._server = await asyncio.start_server(self._on_client, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Drop everything."""
        if self._server:
            self._server.close()
        self.cut()

    def cut(self) -> None:
        """Reset every connection there is; new ones are taken."""
        for end in self._ends:
            with contextlib.suppress(OSError, AttributeError):
                end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            end.transport.abort()
        self._ends.clear()

    def stall(self, *, to_server: bool = True, to_client: bool = True) -> None:
        """Pass nothing on in these directions, and keep the connections."""
        if to_server:
            self._to_server.clear()
        if to_client:
            self._to_client.clear()

    def spoil(self, chunks: int) -> None:
        """Put bytes that are no protocol into the middle of the next so many chunks to the client."""
        self._spoilt = chunks

    def heal(self) -> None:
        """Pass everything on again, also what was held back."""
        self._to_server.set()
        self._to_client.set()

    async def _on_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.server_port)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, server_writer}
        self._ends |= ends
        # A plain cancellation of this task at the end of a run would be logged as an error by asyncio.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(
                _pass_on(reader, server_writer, self._to_server),
                _pass_on(server_reader, writer, self._to_client, self._as_it_arrives),
            )
        self._ends -= ends
        for end in ends:
            end.close()

    def _as_it_arrives(self, part: bytes) -> bytes:
        if not self._spoilt:
            return part
        self._spoilt -= 1
        middle = len(part) // 2
        return part[:middle] + GARBAGE + part[middle:]


@asynccontextmanager
async def link(server_port: int) -> AsyncIterator[Link]:
    """Pass connections on to a server of this machine until the block ends."""
    made = Link(server_port)
    await made.listen()
    try:
        yield made
    finally:
        await made.close()


async def _pass_on(
    source: asyncio.StreamReader,
    target: asyncio.StreamWriter,
    open_: asyncio.Event,
    change: Callable[[bytes], bytes] = bytes,
) -> None:
    try:
        while part := await source.read(READ_BYTES):
            await open_.wait()
            target.write(change(part))
            await target.drain()
    except OSError:
        pass  # one end is gone; the other learns it now
    finally:
        target.close()
