"""Resource usage of each process and each store between two moments."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

import psutil

from bench.stacks import ManyMarkets
from harness.servers import Connection, nats_connection


@dataclass(frozen=True)
class Reading:
    """Totals since the start, at one moment.

    Attributes:
        cpu_seconds: By process; PostgreSQL's with all its backends but the bench's own.
        streams: Messages ever taken and bytes held, by stream.
        answers: Upbit's, by route and status.
    """

    moment: float
    cpu_seconds: dict[str, float]
    streams: dict[str, tuple[int, int]]
    answers: Counter[str]


async def read(stack: ManyMarkets, connection: Connection) -> Reading:
    """Read all of it now."""
    own = await connection.fetchval("SELECT pg_backend_pid()")
    pids = {name: process.process.pid for name, process in stack.services.items()}
    pids |= {"upbit": stack.upbit.process.pid, "gemini": stack.gemini.process.pid}
    cpu = {name: _cpu_seconds(pid) for name, pid in pids.items()}
    cpu["nats"] = _cpu_seconds(stack.running.nats.pid or 0)
    cpu["postgres"] = _family_cpu_seconds(stack.running.postgres.pid or 0, without=own)
    stats = stack.upbit.get("/_control/stats")
    answers = Counter({f"{row['route']} {row['status']}": row["count"] for row in stats["requests"]})
    return Reading(time.monotonic(), cpu, await _streams(stack), answers)


def _cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def _family_cpu_seconds(pid: int, *, without: int) -> float:
    postmaster = psutil.Process(pid)
    ended = postmaster.cpu_times()
    children = [child.pid for child in postmaster.children() if child.pid != without]
    # Of a worker that ended, such as autovacuum's, the parent keeps the account.
    return sum(map(_cpu_seconds, [pid, *children])) + ended.children_user + ended.children_system


async def _streams(stack: ManyMarkets) -> dict[str, tuple[int, int]]:
    async with nats_connection(stack.running.nats.url()) as client:
        found = await client.jetstream().streams_info()
        return {str(one.config.name): (one.state.last_seq, one.state.bytes) for one in found}
