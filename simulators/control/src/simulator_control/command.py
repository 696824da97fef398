"""Command line of a simulator process, which serves until SIGTERM or SIGINT and ends within a second."""

import argparse
import asyncio
import signal
import sys

from aiohttp import web

CLOSE_SECONDS = 0.5
HIGHEST_PORT = 65535


class AddressError(Exception):
    """The simulator can't listen where it should; the sentence names address, reason and fix."""


def command_parser(prog: str, description: str) -> argparse.ArgumentParser:
    """Return a parser that knows --host and --port."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback)")
    parser.add_argument("--port", type=_port, required=True, help="port to listen on")
    return parser


def serve_command(app: web.Application, options: argparse.Namespace, *, name: str) -> None:
    """Serve `app` until a signal; prints one line with `name` when it listens.

    Raises:
        AddressError: The port is taken, or the host is none of this machine.
    """
    try:
        asyncio.run(_serve(app, options.host, options.port, name))
    except OSError as error:
        reason = error.strerror or str(error)
        raise AddressError(
            f"can't listen on {options.host}:{options.port} ({reason}); choose another --port or --host"
        ) from error


async def _serve(app: web.Application, host: str, port: int, name: str) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    # handler_cancellation: when a client gives up, the fault that holds its request ends too.
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=CLOSE_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        sys.stdout.write(f"{name} listening on http://{host}:{port}\n")
        sys.stdout.flush()
        await stopping.wait()
    finally:
        await runner.cleanup()


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a port; it must be a whole number from 1 to {HIGHEST_PORT}"
        )
    return int(text)
