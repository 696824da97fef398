"""Resource usage of each service, sampled every second from outside: memory, files, threads, connections."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import linear_regression, median
from typing import TypeAlias

import psutil

from faults.inputs.plan import SERVICES
from faults.stack.supervised import SupervisedStack
from harness.servers import Connection, postgres_connection

LOOK_SECONDS = 1.0
MEGABYTE = 1024 * 1024
_CONNECTIONS = """
    SELECT usename, count(*) AS number FROM pg_stat_activity WHERE usename = ANY($1) GROUP BY usename
"""
# Moment (Unix s) and value, oldest first.
Series: TypeAlias = Sequence[tuple[float, float]]


@dataclass
class Usage:
    """What was seen, by service and kind: `memory` in bytes, `files`, `threads`, `connections`."""

    seen: defaultdict[tuple[str, str], list[tuple[float, float]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    async def look(self, stack: SupervisedStack) -> None:
        """Look every second until cancelled."""
        async with postgres_connection(stack.running.postgres.url()) as connection:
            while True:
                self._look_at_processes(stack)
                await self._look_at_connections(connection)
                await asyncio.sleep(LOOK_SECONDS)

    def _look_at_processes(self, stack: SupervisedStack) -> None:
        for service in SERVICES:
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(stack.processes[service].pid)
                self._note(service, "memory", process.memory_info().rss)
                self._note(service, "files", process.num_fds())
                self._note(service, "threads", process.num_threads())

    async def _look_at_connections(self, connection: Connection) -> None:
        roles = {f"bongsu_{service}": service for service in SERVICES}
        rows = await connection.fetch(_CONNECTIONS, list(roles))
        counted = {row["usename"]: row["number"] for row in rows}
        for role, service in roles.items():
            self._note(service, "connections", counted.get(role, 0))

    def _note(self, service: str, kind: str, value: float) -> None:
        self.seen[service, kind].append((time.time(), value))


def slope(series: Series) -> float:
    """Return by how much the value grows a second, by least squares over the second half of the time."""
    moments, values = zip(*_later(series, 0.5), strict=True)
    return linear_regression(moments, values).slope


def grown(series: Series) -> float:
    """Return the median of the last quarter of the time, less that of the quarter before the middle."""
    earlier = _later(series, 0.25)[: -len(_later(series, 0.5))]
    return median(value for _, value in _later(series, 0.75)) - median(value for _, value in earlier)


def _later(series: Series, share: float) -> Series:
    begin = series[0][0] + share * (series[-1][0] - series[0][0])
    return [(moment, value) for moment, value in series if moment >= begin]
