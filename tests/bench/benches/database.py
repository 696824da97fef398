"""Throughput of database jobs through our pool, against SQLAlchemy's with the same budget."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bench.comparison import Comparison, percentile, side_by_side
from common.database.pool import DB_POOL_MAX_OVERFLOW, DB_POOL_SIZE, Database, Share
from harness.servers import Servers, postgres_connection, servers

JOBS = 1200
Job = Callable[[], Awaitable[None]]


async def measure() -> list[Comparison]:
    """Return a row for 10, 20 and 60 callers: a 10 ms query and an insert, in one transaction."""
    async with servers(admin_connections=45) as running, _ours(running) as ours, _theirs(running) as theirs:
        return [row for callers in (10, 20, 60) for row in await _compare(ours, theirs, callers)]


async def _compare(ours: Job, theirs: Job, callers: int) -> list[Comparison]:
    waits: dict[str, list[float]] = {"ours": [], "theirs": []}
    rates = await side_by_side(
        {
            "ours": lambda: _jobs_a_second(ours, callers, waits["ours"]),
            "theirs": lambda: _jobs_a_second(theirs, callers, waits["theirs"]),
        }
    )
    ratio = rates.ratio("ours", "theirs")
    mine, other = (percentile(waits[side], 0.99) * 1000 for side in ("ours", "theirs"))
    at_full_load = callers == 60
    return [
        Comparison(
            f"database jobs (10 ms query, insert), {callers} callers",
            "SQLAlchemy async, pool 10 + 10, pre-ping",
            f"{rates.median('ours'):,.0f}/s, p99 {mine:.0f} ms",
            f"{rates.median('theirs'):,.0f}/s, p99 {other:.0f} ms",
            rates.shown("ours", "theirs"),
            ">= 1.5x, lower p99" if at_full_load else "none",
            reached=not at_full_load or (ratio >= 1.5 and mine < other),
        )
    ]


async def _jobs_a_second(job: Job, callers: int, waits: list[float]) -> float:
    async def caller() -> None:
        for _ in range(JOBS // callers):
            asked = time.perf_counter()
            await job()
            waits.append(time.perf_counter() - asked)

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return JOBS / (time.perf_counter() - began)


@asynccontextmanager
async def _ours(running: Servers) -> AsyncIterator[Job]:
    url = await _prepared(running)
    database = Database(url, service="bench", share=Share(DB_POOL_SIZE, DB_POOL_SIZE + DB_POOL_MAX_OVERFLOW))
    await database.open()

    async def job() -> None:
        async with database.transaction() as connection:
            await connection.execute("SELECT pg_sleep(0.01)")
            await connection.execute("INSERT INTO bench_jobs (name) VALUES ($1)", "job")

    yield job
    await database.close()


@asynccontextmanager
async def _theirs(running: Servers) -> AsyncIterator[Job]:
    url = (await _prepared(running)).replace("postgresql://", "postgresql+asyncpg://")
    engine: AsyncEngine = create_async_engine(
        url, pool_size=DB_POOL_SIZE, max_overflow=DB_POOL_MAX_OVERFLOW, pool_pre_ping=True
    )

    async def job() -> None:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_sleep(0.01)"))
            await connection.execute(text("INSERT INTO bench_jobs (name) VALUES (:name)"), {"name": "job"})

    yield job
    await engine.dispose()


async def _prepared(running: Servers) -> str:
    """Return the administrator's URL: no service may have the twenty connections of the whole budget."""
    async with postgres_connection(running.postgres.url()) as admin:
        await admin.execute("CREATE TABLE IF NOT EXISTS bench_jobs (name text NOT NULL)")
    return running.postgres.url()
