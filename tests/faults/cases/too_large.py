"""A message of ten megabytes: refused at the sender, or its connection alone is closed."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit

from structlog.testing import capture_logs

from common.bus.broker import Bus
from common.errors import PermanentError
from common.telemetry.names import LogEvent
from faults.oracles.service_logs import count_events
from harness.finding import Finding
from harness.stack import Stack

SIZE = 10 * 1024 * 1024
SUBJECT = "market.candle.closed.ZZ-F0"
ANSWER_SECONDS = 5.0


async def measure_too_large(stack: Stack, promise: str) -> Finding:
    """Send it as a service would, and past every client library; returns one row."""
    ours = await _through_the_bus(stack.running.nats.url("collector"))
    said = await _through_a_socket(stack.running.nats.url("collector"))
    logs = (stack.collector.log, stack.signaler.log, stack.running.folder / "health.log")
    lost = sum(count_events(log)[LogEvent.BUS_DISCONNECTED] for log in logs)
    return Finding(
        promise,
        f"{SIZE:,} bytes through our bus layer, and through a bare socket",
        "a permanent error at the sender; the server closes that link alone",
        f"{ours}; {said}; {lost} other links lost",
        holds=f"{SIZE} bytes" in ours
        and "Maximum Payload Violation" in said
        and "closed" in said
        and not lost,
    )


async def _through_the_bus(url: str) -> str:
    # A connection of our own: its coming and going is no part of the row.
    with capture_logs():
        return await _sent(Bus(url, service="collector", instance="fuzz"))


async def _sent(bus: Bus) -> str:
    await bus.connect()
    try:
        await bus.send(SUBJECT, b"x" * SIZE, headers={}, stream="MARKET")
    except PermanentError as error:
        return str(error)
    finally:
        await bus.close()
    return "taken"


async def _through_a_socket(url: str) -> str:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    await reader.readline()
    login = {"user": parts.username, "pass": parts.password, "verbose": False, "pedantic": False}
    # The announcement alone: what the server says to it would be lost if it left megabytes unread.
    writer.write(f"CONNECT {json.dumps(login)}\r\nPUB {SUBJECT} {SIZE}\r\n".encode())
    await writer.drain()
    said = b""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            while piece := await reader.read(65536):
                said += piece
    except ConnectionError:
        pass
    except TimeoutError:
        return f"{said.decode()!r} and left open"
    finally:
        writer.close()
    return f"{said.decode().strip()} and closed"
