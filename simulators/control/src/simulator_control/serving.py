"""How does a simulator run as a process? Until SIGTERM or SIGINT, and then it is gone within a second."""

from __future__ import annotations

import asyncio
import signal
import sys

from aiohttp import web

CLOSE_SECONDS = 0.5


async def serve(app: web.Application, *, host: str, port: int, name: str) -> None:
    """Serve `app`; prints one line when it listens. Raises OSError for a port that is taken."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    # handler_cancellation: a client that gave up must not leave a hanging fault behind.
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=CLOSE_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        sys.stdout.write(f"{name} listening on http://{host}:{port}\n")
        sys.stdout.flush()
        await stopping.wait()
    finally:
        await runner.cleanup()
