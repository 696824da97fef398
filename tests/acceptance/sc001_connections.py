"""SC-001: do ten database jobs at once, and many more, get their connections from the budget of twenty?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg

from acceptance.promise import Finding
from acceptance.servers import Servers, servers
from common.database import ACQUIRE_SECONDS, SHARES, Database

BUDGET = sum(share.max for share in SHARES.values())
SAMPLE_SECONDS = 0.05
JOB_SECONDS = 0.01
SESSIONS_OF_SERVICES = (
    "SELECT count(*) FROM pg_stat_activity WHERE usename LIKE 'bongsu_%' AND usename <> 'bongsu_admin'"
)


@dataclass
class Load:
    """What became of many jobs: how many ended, the longest wait for a connection, the most sessions seen."""

    finished: int = 0
    longest_wait_seconds: float = 0.0
    most_sessions: int = 0


async def measure() -> list[Finding]:
    """Return a row per load: 10 jobs, 15 held sessions, 60 callers, three replicas of each service."""
    async with servers() as running:
        await _make_table(running)
        async with _pools(running, replicas=1) as pools:
            ten = await _under_load(running, lambda load: _jobs(pools, load, callers=10, rounds=1))
            held = await _under_load(running, lambda load: _hold_together(pools, load, sessions=15))
            sixty = await _under_load(running, lambda load: _jobs(pools, load, callers=60, rounds=50))
        async with _pools(running, replicas=3) as pools:
            replicas = await _under_load(running, lambda load: _jobs(pools, load, callers=90, rounds=20))
    return [
        _finding("10 database jobs at once", ten, 10),
        _finding("15 sessions held open at one barrier over the three pools", held, 15),
        _finding("60 callers at once, 50 jobs each (10 ms query and an insert)", sixty, 60 * 50),
        _finding("3 replicas of every service, 90 callers, 20 jobs each", replicas, 90 * 20),
    ]


def _finding(what: str, load: Load, wanted: int) -> Finding:
    waited = load.longest_wait_seconds
    return Finding(
        "SC-001",
        what,
        f"all end, no wait over {ACQUIRE_SECONDS:.0f} s, at most {BUDGET} sessions",
        f"{load.finished} of {wanted} ended, longest wait {waited:.2f} s, {load.most_sessions} sessions",
        holds=load.finished == wanted and waited <= ACQUIRE_SECONDS and load.most_sessions <= BUDGET,
    )


async def _make_table(running: Servers) -> None:
    connection = await asyncpg.connect(running.postgres.url())
    await connection.execute("CREATE TABLE acceptance_jobs (done_at timestamptz NOT NULL DEFAULT now())")
    roles = ", ".join(f"bongsu_{service}" for service in SHARES)
    await connection.execute(f"GRANT INSERT ON acceptance_jobs TO {roles}")
    await connection.close()


@asynccontextmanager
async def _pools(running: Servers, *, replicas: int) -> AsyncIterator[list[Database]]:
    """Open every service's pools as its instances do, one each or the divided ones of several replicas."""
    async with AsyncExitStack() as stack:
        pools = []
        for service, share in SHARES.items():
            for _ in range(replicas):
                pool = Database(
                    running.database_url(service), service=service, share=share.divided_by(replicas)
                )
                await pool.open()
                stack.push_async_callback(pool.close)
                pools.append(pool)
        yield pools


async def _under_load(running: Servers, work: Callable[[Load], Awaitable[None]]) -> Load:
    """Do the work while a connection of the administrator's own counts the services' sessions."""
    load = Load()
    watching = asyncio.create_task(_count_sessions(running.postgres.url(), load))
    try:
        await work(load)
        # The last look must fall into the load's time, or a short one is never seen.
        await asyncio.sleep(SAMPLE_SECONDS)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    return load


async def _count_sessions(url: str, load: Load) -> None:
    connection = await asyncpg.connect(url)
    try:
        while True:
            load.most_sessions = max(load.most_sessions, await connection.fetchval(SESSIONS_OF_SERVICES))
            await asyncio.sleep(SAMPLE_SECONDS)
    finally:
        await connection.close(timeout=1)


async def _jobs(pools: Sequence[Database], load: Load, *, callers: int, rounds: int) -> None:
    await asyncio.gather(*(_caller(pools[number % len(pools)], load, rounds) for number in range(callers)))


async def _caller(pool: Database, load: Load, rounds: int) -> None:
    for _ in range(rounds):
        asked = time.monotonic()
        async with pool.connection() as connection:
            load.longest_wait_seconds = max(load.longest_wait_seconds, time.monotonic() - asked)
            await connection.execute("SELECT pg_sleep($1)", JOB_SECONDS)
            await connection.execute("INSERT INTO acceptance_jobs DEFAULT VALUES")
        load.finished += 1


async def _hold_together(pools: Sequence[Database], load: Load, *, sessions: int) -> None:
    together = asyncio.Barrier(sessions)

    async def session(pool: Database) -> None:
        asked = time.monotonic()
        async with pool.connection() as connection:
            load.longest_wait_seconds = max(load.longest_wait_seconds, time.monotonic() - asked)
            await together.wait()
            await connection.execute("SELECT pg_sleep($1)", 5 * SAMPLE_SECONDS)
        load.finished += 1

    await asyncio.gather(*(session(pools[number % len(pools)]) for number in range(sessions)))
