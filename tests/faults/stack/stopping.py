"""Instances beside each other, how one of them ends, and what the stop interrupted."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta

from common.telemetry.names import LogEvent
from harness.stack import Stack
from servers.services import ServiceProcess, service

# Of each service: as many as have a connection each within the service's limit.
INSTANCES = 5
REPLICAS = 8
SERVICES = ("collector", "signaler")
PATIENCE_SECONDS = 15.0


@contextmanager
def instances(stack: Stack, name: str, *, of_each: int = INSTANCES) -> Iterator[list[ServiceProcess]]:
    """Start so many collectors and signalers; those that still run when the block ends are killed."""
    with ExitStack() as running:
        yield [
            running.enter_context(
                service(
                    each,
                    stack.running.folder / f"{each}-{name.replace(' ', '-')}-{number}.log",
                    REPLICAS=str(REPLICAS),
                    **stack.environment(each),
                )
            )
            for number in range(of_each)
            for each in SERVICES
        ]


async def ended_after(running: ServiceProcess, number: signal.Signals) -> tuple[int | None, float]:
    """Send a signal; returns the exit code, None for one that did not end, and how long it took."""
    began = time.monotonic()
    running.process.send_signal(number)
    while running.process.poll() is None and time.monotonic() < began + PATIENCE_SECONDS:
        await asyncio.sleep(0.005)
    return running.process.poll(), time.monotonic() - began


def was_in_retry(running: ServiceProcess) -> bool:
    """Tell whether it waited for its next try when the stop came."""
    stopped = _time(running.events(LogEvent.SERVICE_STOPPING)[0])
    return any(
        _time(retry) < stopped < _time(retry) + timedelta(seconds=retry["delay_seconds"])
        for retry in running.events(LogEvent.RETRY_SCHEDULED)
    )


def handed_back(running: ServiceProcess) -> bool:
    """Tell whether it gave back a message because of the stop."""
    stopped = _time(running.events(LogEvent.SERVICE_STOPPING)[0])
    return any(
        _time(given) >= stopped and given.get("error") == "the service stops"
        for given in running.events(LogEvent.MESSAGE_HANDED_BACK)
    )


def _time(entry: dict[str, str]) -> datetime:
    return datetime.fromisoformat(entry["timestamp"])
