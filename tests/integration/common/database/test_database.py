"""The pool: a service gets its share of PostgreSQL, no more, and an answer within a limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import asyncpg
import pytest

import common.database.pool
from bongsu.servers.postgres.server import PostgresServer
from common.database.pool import (
    ACQUIRE_SECONDS,
    DB_POOL_MAX_OVERFLOW,
    DB_POOL_SIZE,
    SHARES,
    Database,
    Share,
    checked_shares,
    open_when_ready,
)
from common.errors import PermanentError, PoolExhaustedError, TransientError
from servers.waiting import HANG_SECONDS

ROLE_LIMIT = SHARES["health"].max
Open = Callable[..., Awaitable[Database]]


@pytest.fixture
async def open_database(postgres: PostgresServer) -> AsyncIterator[Open]:
    """Open a pool with the rights of health; these tests need no tables."""
    opened: list[Database] = []

    async def begin(share: Share, name: str = "bongsu") -> Database:
        opened.append(Database(postgres.url("bongsu_health", name), service="health", share=share))
        await opened[-1].open()
        return opened[-1]

    yield begin
    for pool in opened:
        await pool.close()


async def hold(stack: AsyncExitStack, pool: Database, connections: int) -> None:
    """Take so many connections for as long as the stack lives."""
    for _ in range(connections):
        await stack.enter_async_context(pool.connection())


async def waiting_for_one(stack: AsyncExitStack, pool: Database) -> asyncio.Task[None]:
    """Return the caller that still waits for a connection."""
    caller = asyncio.create_task(hold(stack, pool, 1))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(caller), 0.2)
    return caller


@pytest.fixture
def patient_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    """No caller gives up while the test makes a connection free."""
    monkeypatch.setattr(common.database.pool, "ACQUIRE_SECONDS", HANG_SECONDS)


def refusals(server: PostgresServer) -> int:
    """Return how often PostgreSQL has refused the role a connection."""
    return server.log.read_text(encoding="utf-8").count("too many connections for role")


def test_the_pool_has_ten_connections_and_ten_more() -> None:
    assert (DB_POOL_SIZE, DB_POOL_MAX_OVERFLOW) == (10, 10)


@pytest.mark.parametrize("share", [Share(2, 6), Share(4, 6), Share(3, 5), Share(3, 7)])
def test_a_share_that_breaks_the_budget_is_an_error_with_both_sums(share: Share) -> None:
    least, most = 7 + share.min, 14 + share.max
    with pytest.raises(ValueError, match=f"add up to {least} connections at least and {most} at most"):
        checked_shares({**SHARES, "health": share})


def test_two_instances_of_every_service_fit_by_their_floors() -> None:
    assert all(2 * share.min <= share.max for share in SHARES.values())


def test_replicas_divide_a_share_and_keep_at_least_one_connection() -> None:
    assert Share(4, 8).divided_by(2) == Share(2, 4)
    assert Share(3, 6).divided_by(20) == Share(1, 1)


async def test_fifteen_sessions_of_three_services_are_open_at_once(postgres: PostgresServer) -> None:
    together = asyncio.Barrier(15)

    async def session(pool: Database) -> int:
        async with pool.connection() as connection:
            await asyncio.wait_for(together.wait(), HANG_SECONDS)
            pid: int = await connection.fetchval("SELECT pg_backend_pid()")
            return pid

    async with AsyncExitStack() as stack:
        pools = []
        for service, share in SHARES.items():
            pool = Database(postgres.url(f"bongsu_{service}", "bongsu"), service=service, share=share)
            await pool.open()
            stack.push_async_callback(pool.close)
            pools.append(pool)
        pids = await asyncio.gather(*(session(pool) for pool in pools for _ in range(5)))
        assert len(set(pids)) == 15
        assert 15 <= sum(pool.usage().size for pool in pools) <= DB_POOL_SIZE + DB_POOL_MAX_OVERFLOW


async def test_a_pool_begins_with_its_minimum_and_grows_to_its_maximum(open_database: Open) -> None:
    pool = await open_database(Share(2, 4))
    assert pool.usage().model_dump() == {"min": 2, "max": 4, "size": 2, "in_use": 0, "waiting": 0}
    async with AsyncExitStack() as stack:
        await hold(stack, pool, 4)
        assert pool.usage().model_dump() == {"min": 2, "max": 4, "size": 4, "in_use": 4, "waiting": 0}
    assert pool.usage().in_use == 0


async def test_a_caller_of_a_full_pool_gets_an_error_with_both_numbers(open_database: Open) -> None:
    pool = await open_database(Share(1, 2))
    async with AsyncExitStack() as stack:
        await hold(stack, pool, 2)
        with pytest.raises(PoolExhaustedError, match=r"in \d+\.\d s: 2 of at most 2 are in use") as refused:
            await hold(stack, pool, 1)
    assert refused.value.waited_seconds >= ACQUIRE_SECONDS
    assert (refused.value.in_use, refused.value.maximum) == (2, 2)
    assert pool.usage().waiting == 0


@pytest.mark.usefixtures("patient_callers")
async def test_who_waits_longer_than_a_check_may_take_is_counted(
    open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = await open_database(Share(1, 1))
    async with AsyncExitStack() as stack:
        async with pool.connection():
            monkeypatch.setattr(common.database.pool, "WAITING_SECONDS", HANG_SECONDS)
            caller = await waiting_for_one(stack, pool)
            assert pool.usage().waiting == 0
            monkeypatch.setattr(common.database.pool, "WAITING_SECONDS", 0.0)
            assert pool.usage().waiting == 1
        await asyncio.wait_for(caller, HANG_SECONDS)
        assert pool.usage().waiting == 0


@pytest.mark.usefixtures("patient_callers")
async def test_a_connection_that_is_given_back_goes_to_who_waits(open_database: Open) -> None:
    pool = await open_database(Share(1, 1))
    async with AsyncExitStack() as stack:
        async with pool.connection():
            caller = await waiting_for_one(stack, pool)
        await asyncio.wait_for(caller, HANG_SECONDS)


@pytest.mark.usefixtures("patient_callers")
async def test_a_full_role_is_waited_for_like_a_full_pool(open_database: Open) -> None:
    others = await open_database(Share(1, ROLE_LIMIT - 1))
    pool = await open_database(Share(1, 3))
    async with AsyncExitStack() as stack, AsyncExitStack() as other:
        await hold(other, others, ROLE_LIMIT - 1)
        await hold(stack, pool, 1)
        caller = await waiting_for_one(stack, pool)
        await other.aclose()
        await others.close()
        await asyncio.wait_for(caller, HANG_SECONDS)
        assert pool.usage().in_use == 2


async def test_a_role_that_stays_full_is_an_exhausted_pool(open_database: Open) -> None:
    others = await open_database(Share(1, ROLE_LIMIT - 1))
    pool = await open_database(Share(1, 3))
    async with AsyncExitStack() as stack:
        await hold(stack, others, ROLE_LIMIT - 1)
        await hold(stack, pool, 1)
        with pytest.raises(PoolExhaustedError, match="1 of at most 3 are in use"):
            await hold(stack, pool, 1)


async def test_a_full_role_is_asked_about_once_a_second(
    open_database: Open, postgres: PostgresServer
) -> None:
    others = await open_database(Share(1, ROLE_LIMIT - 1))
    pool = await open_database(Share(1, 3))
    async with AsyncExitStack() as stack:
        await hold(stack, others, ROLE_LIMIT - 1)
        await hold(stack, pool, 1)
        before, began = refusals(postgres), time.monotonic()
        callers = await asyncio.gather(*(hold(stack, pool, 1) for _ in range(10)), return_exceptions=True)
    assert all(isinstance(error, PoolExhaustedError) for error in callers)
    # Two at first, for the two connections that the pool may still open.
    assert 1 <= refusals(postgres) - before <= 2 + time.monotonic() - began


async def test_an_instance_that_starts_while_the_role_is_full_waits(
    open_database: Open, postgres: PostgresServer
) -> None:
    others = await open_database(Share(1, ROLE_LIMIT))
    late = Database(postgres.url("bongsu_health"), service="health", share=Share(1, 3))
    async with AsyncExitStack() as stack:
        await hold(stack, others, ROLE_LIMIT)
        with pytest.raises(TransientError, match="53300"):
            await late.open()
        opening = asyncio.create_task(open_when_ready(late, within_seconds=HANG_SECONDS))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(opening), 0.3)
    await others.close()
    await asyncio.wait_for(opening, HANG_SECONDS)
    assert late.usage().size == 1
    await late.close()


@pytest.mark.parametrize(
    ("role", "password", "database_name", "state"),
    [("bongsu_health", "hunter22", "bongsu", "28P01"), ("bongsu_health", None, "nowhere", "3D000")],
)
async def test_a_server_that_refuses_is_not_waited_for(
    postgres: PostgresServer, role: str, password: str | None, database_name: str, state: str
) -> None:
    url = postgres.url(role, database_name)
    if password:
        url = f"postgresql://{role}:{password}@127.0.0.1:{postgres.port}/{database_name}"
    with pytest.raises(PermanentError, match=state) as refused:
        await open_when_ready(Database(url, service="health", share=Share(1, 1)), within_seconds=10)
    assert "hunter22" not in str(refused.value)


async def test_a_close_with_a_held_connection_ends(open_database: Open) -> None:
    pool = await open_database(Share(1, 2))

    async def close_and_go_on() -> None:
        async with pool.connection() as connection:
            await asyncio.wait_for(pool.close(), HANG_SECONDS)
            await connection.execute("SELECT 1")

    with pytest.raises(TransientError):
        await close_and_go_on()
    async with AsyncExitStack() as stack:
        with pytest.raises(TransientError, match="not open"):
            await hold(stack, pool, 1)


async def test_every_session_says_whose_it_is_and_reads_committed_rows_in_utc(
    open_database: Open, postgres: PostgresServer, database: str
) -> None:
    session = await asyncpg.connect(postgres.url("bongsu_health", database))
    for setting in ("default_transaction_isolation = 'serializable'", "timezone = 'Asia/Seoul'"):
        await session.execute(f"ALTER ROLE bongsu_health IN DATABASE {database} SET {setting}")
    await session.close()
    pool = await open_database(Share(1, 1), database)
    names = ("application_name", "transaction_isolation", "TimeZone")
    async with pool.connection() as connection:
        outside = [await connection.fetchval(f"SHOW {name}") for name in names]
    async with pool.transaction() as connection:
        await connection.execute("SET LOCAL TimeZone = 'Asia/Seoul'")
        inside = await connection.fetchval("SHOW transaction_isolation")
    async with pool.connection() as connection:
        assert await connection.fetchval("SHOW TimeZone") == "UTC"
    assert outside == ["bongsu.health", "read committed", "UTC"]
    assert inside == "read committed"
