"""A line on which every answer takes its time: a TCP proxy in front of a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

READ_BYTES = 65536


@dataclass
class SlowLine:
    """The proxy's port; `delay_seconds` holds for what the server sends from now on."""

    server_port: int
    port: int = 0
    delay_seconds: float = 0.0
    _proxy: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _ends: set[asyncio.StreamWriter] = field(default_factory=set)

    async def listen(self) -> None:
        """Take connections, after `close` at the same port again."""
        self._proxy = await asyncio.start_server(self._on_client, "127.0.0.1", self.port)
        self.port = self._proxy.sockets[0].getsockname()[1]

    async def close(self, *, port_outlives_seconds: float = 0.0) -> None:
        """Drop every connection, so much later the port, and with it what was taken in between."""
        await self._drop()
        await asyncio.sleep(port_outlives_seconds)
        if self._proxy:
            self._proxy.close()
        await self._drop()

    async def _drop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        # A task that is cancelled before its first step closes nothing.
        for end in self._ends:
            end.close()
        self._ends.clear()

    async def _on_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        its_reader, its_writer = await asyncio.open_connection("127.0.0.1", self.server_port)
        if not (self._proxy and self._proxy.is_serving()):
            writer.close()
            its_writer.close()
            return
        self._ends |= {writer, its_writer}
        for source, target, slow in ((reader, its_writer, False), (its_reader, writer, True)):
            self._tasks.add(asyncio.create_task(_pass_on(self, source, target, slow=slow)))


@asynccontextmanager
async def slow_line(server_port: int) -> AsyncIterator[SlowLine]:
    """Pass connections on to a server on this machine until the block ends."""
    line = SlowLine(server_port)
    await line.listen()
    try:
        yield line
    finally:
        await line.close()


async def _pass_on(
    line: SlowLine, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, slow: bool
) -> None:
    try:
        while part := await source.read(READ_BYTES):
            if slow:
                await asyncio.sleep(line.delay_seconds)
            target.write(part)
            await target.drain()
    except OSError:
        pass  # one end is gone; the other learns it now
    finally:
        target.close()
