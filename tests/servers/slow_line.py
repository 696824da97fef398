"""A line on which every answer takes its time: a TCP proxy in front of a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

READ_BYTES = 65536


@dataclass
class SlowLine:
    """The proxy's port; `delay_seconds` holds for what the server sends from now on."""

    port: int
    delay_seconds: float = 0.0


@asynccontextmanager
async def slow_line(server_port: int) -> AsyncIterator[SlowLine]:
    """Pass connections on to a server on this machine until the block ends."""
    line = SlowLine(0)
    tasks: set[asyncio.Task[None]] = set()

    async def on_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        its_reader, its_writer = await asyncio.open_connection("127.0.0.1", server_port)
        for source, target, slow in ((reader, its_writer, False), (its_reader, writer, True)):
            tasks.add(asyncio.create_task(_pass_on(line, source, target, slow=slow)))

    proxy = await asyncio.start_server(on_client, "127.0.0.1", 0)
    line.port = proxy.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        proxy.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


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
