"""A network between a client and nats-server that loses what it is set to lose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass


@dataclass
class LosingNetwork:
    """Forwards bytes both ways; what the server sends with `losing` in it does not arrive."""

    server_port: int
    port: int = 0
    losing: bytes | None = None
    lost: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either end closes."""
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self.server_port)
        ways = [
            asyncio.create_task(self._carry(reader, to_server, loses=False)),
            asyncio.create_task(self._carry(from_server, writer, loses=True)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        writer.close()
        to_server.close()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, loses: bool
    ) -> None:
        with suppress(OSError):
            while chunk := await reader.read(65536):
                if loses and self.losing and self.losing in chunk:
                    self.lost += 1
                else:
                    writer.write(chunk)


@asynccontextmanager
async def losing_network(server_port: int) -> AsyncIterator[LosingNetwork]:
    """Listen on a free port of this machine."""
    network = LosingNetwork(server_port)
    listener = await asyncio.start_server(network.serve, "127.0.0.1", 0)
    network.port = listener.sockets[0].getsockname()[1]
    try:
        yield network
    finally:
        listener.close()
