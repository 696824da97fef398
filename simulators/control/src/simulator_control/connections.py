"""Connection faults: a request that is never answered, and one whose connection is reset."""

import asyncio
import socket
import struct
from typing import NoReturn

from aiohttp import web


async def hang() -> NoReturn:
    """Never answer; ends when the client goes away, which cancels this request."""
    await asyncio.Event().wait()
    raise RuntimeError("an event that is never set was set")


async def reset(request: web.Request) -> NoReturn:
    """Reset the connection: the client gets no answer, and no orderly end either."""
    if request.transport is not None:
        connection: socket.socket | None = request.transport.get_extra_info("socket")
        if connection is not None:
            # Lingering for zero seconds turns the close into a TCP reset.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    await hang()
