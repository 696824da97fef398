"""SC-001: ten database jobs at once, and many more, get their connections from the budget of twenty."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from common.database.pool import ACQUIRE_SECONDS, SHARES, Connection, Database
from common.errors import PoolExhaustedError
from harness.finding import Finding
from harness.servers import Servers, postgres_connection, servers
from harness.stack import in_background

BUDGET = sum(share.max for share in SHARES.values())
SAMPLE_SECONDS = 0.05
JOB_SECONDS = 0.01
SESSIONS_OF_SERVICES = (
    "SELECT count(*) FROM pg_stat_activity WHERE usename LIKE 'bongsu_%' AND usename <> 'bongsu_admin'"
)


@dataclass
class Load:
    """What became of many jobs.

    Attributes:
        finished: By pool, in the order of the pools.
        over_limit: Jobs that got no connection within the limit.
        looks: How often the sessions were counted; without one, the most sessions say nothing.
    """

    finished: Counter[int] = field(default_factory=Counter)
    over_limit: int = 0
    longest_wait_seconds: float = 0.0
    most_sessions: int = 0
    looks: int = 0


async def measure() -> list[Finding]:
    """Return a row per load: 10 jobs, 15 held sessions, 60 callers, and several replicas of each service."""
    async with servers() as running:
        await _make_table(running)
        async with _pools(running, instances=1) as pools:
            ten = await _under_load(running, lambda load: _jobs(pools, load, callers=10, rounds=1))
            held = await _under_load(running, lambda load: _hold_together(pools, load, sessions=15))
            sixty = await _under_load(running, lambda load: _jobs(pools, load, callers=60, rounds=50))
        async with _pools(running, instances=3, replicas=3) as pools:
            three = await _under_load(running, lambda load: _jobs(pools, load, callers=90, rounds=20))
        async with _pools(running, instances=2) as pools:
            beside = await _under_load(running, lambda load: _jobs(pools, load, callers=60, rounds=20))
    return [
        _finding("10 database jobs at once", ten, 10, instances=1),
        _finding("15 sessions held open at one barrier over the three pools", held, 15, instances=1),
        _finding("60 callers at once, 50 jobs each (10 ms query and an insert)", sixty, 60 * 50, instances=1),
        _finding("3 replicas of every service, 90 callers, 20 jobs each", three, 90 * 20, instances=3),
        _finding(
            "2 instances of every service, each with the whole share as in a rolling restart, 60 callers,"
            " 20 jobs each",
            beside,
            60 * 20,
            instances=2,
        ),
    ]


def _finding(what: str, load: Load, wanted: int, *, instances: int) -> Finding:
    waited, finished = load.longest_wait_seconds, load.finished.total()
    pools = instances * len(SHARES)
    fewest = min(load.finished[number] for number in range(pools))
    return Finding(
        "SC-001",
        what,
        f"all end, in each of {pools} pools, no wait over {ACQUIRE_SECONDS:.0f} s, at most {BUDGET} sessions",
        f"{finished} of {wanted} ended, at least {fewest} in each pool, {load.over_limit} over the limit,"
        f" longest wait {waited:.2f} s, {load.most_sessions} sessions at most in {load.looks} looks",
        holds=finished == wanted
        and fewest > 0
        and load.over_limit == 0
        and waited <= ACQUIRE_SECONDS
        and 0 < load.most_sessions <= BUDGET,
    )


async def _make_table(running: Servers) -> None:
    async with postgres_connection(running.postgres.url()) as connection:
        await connection.execute("CREATE TABLE acceptance_jobs (done_at timestamptz NOT NULL DEFAULT now())")
        roles = ", ".join(f"bongsu_{service}" for service in SHARES)
        await connection.execute(f"GRANT INSERT ON acceptance_jobs TO {roles}")


@asynccontextmanager
async def _pools(running: Servers, *, instances: int, replicas: int = 1) -> AsyncIterator[list[Database]]:
    """Open every service's pools as its instances do; `replicas` is how many know of each other."""
    async with AsyncExitStack() as stack:
        pools = []
        for service, share in SHARES.items():
            for _ in range(instances):
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
    async with in_background(_count_sessions(running.postgres.url(), load)):
        await work(load)
        # The last look must fall into the load's time, or a short one is never seen.
        await asyncio.sleep(SAMPLE_SECONDS)
    return load


async def _count_sessions(url: str, load: Load) -> None:
    async with postgres_connection(url) as connection:
        while True:
            load.most_sessions = max(load.most_sessions, await connection.fetchval(SESSIONS_OF_SERVICES))
            load.looks += 1
            await asyncio.sleep(SAMPLE_SECONDS)


async def _jobs(pools: Sequence[Database], load: Load, *, callers: int, rounds: int) -> None:
    await asyncio.gather(*(_caller(pools, caller % len(pools), load, rounds) for caller in range(callers)))


async def _caller(pools: Sequence[Database], number: int, load: Load, rounds: int) -> None:
    for _ in range(rounds):
        with _unless_over_limit(load):
            async with _timed(pools[number], load) as connection:
                await connection.execute("SELECT pg_sleep($1)", JOB_SECONDS)
                await connection.execute("INSERT INTO acceptance_jobs DEFAULT VALUES")
            load.finished[number] += 1


async def _hold_together(pools: Sequence[Database], load: Load, *, sessions: int) -> None:
    together = asyncio.Barrier(sessions)

    async def session(number: int) -> None:
        # One that gets no connection must not leave the others at the barrier for ever.
        with _unless_over_limit(load), contextlib.suppress(TimeoutError):
            async with _timed(pools[number], load) as connection:
                await asyncio.wait_for(together.wait(), 2 * ACQUIRE_SECONDS)
                await connection.execute("SELECT pg_sleep($1)", 5 * SAMPLE_SECONDS)
            load.finished[number] += 1

    await asyncio.gather(*(session(number % len(pools)) for number in range(sessions)))


@asynccontextmanager
async def _timed(pool: Database, load: Load) -> AsyncIterator[Connection]:
    asked = time.monotonic()
    async with pool.connection() as connection:
        load.longest_wait_seconds = max(load.longest_wait_seconds, time.monotonic() - asked)
        yield connection


@contextmanager
def _unless_over_limit(load: Load) -> Iterator[None]:
    try:
        yield
    except PoolExhaustedError as error:
        load.over_limit += 1
        load.longest_wait_seconds = max(load.longest_wait_seconds, error.waited_seconds)
