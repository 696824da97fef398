"""Failures of PostgreSQL: each becomes an error of ours within a limit, and the pool recovers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import asyncpg
import psutil
import pytest

import common.database.pool
from bongsu.servers.postgres.server import PostgresServer
from common.database.pool import Database, Share
from common.errors import PermanentError, ServiceError, TransientError
from servers.proxy import proxy
from servers.waiting import HANG_SECONDS, eventually

if TYPE_CHECKING:
    Admin = asyncpg.Connection[asyncpg.Record]

KILL_ALL = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE application_name = 'bongsu.signaler' AND datname = current_database()"
)
USAGE = "INSERT INTO gemini_usage (day, model, requests) VALUES ('2026-03-11', 'gemini-3.8-flash', 731)"
# What PostgreSQL may say, and whether the same statement may work later.
STATES = {
    "08006": True,  # connection lost
    "22012": False,  # division by zero
    "23505": False,  # unique violation
    "25006": True,  # read-only server, or a transaction that is
    "28P01": True,  # wrong password: changed while we run
    "3D000": True,  # no such database
    "40001": True,  # serialization failure
    "40P01": True,  # deadlock
    "42501": True,  # no right: somebody has to put it right, no message is to blame
    "42P01": True,  # no such table, likewise
    "42703": True,  # no such column, likewise
    "53100": True,  # disk full
    "53200": True,  # out of memory
    "55006": False,  # object in use
    "55P03": True,  # lock not available
    "57014": True,  # statement timeout
    "57P01": True,  # shutting down
    "58030": True,  # input or output error
    "P0001": False,  # raised by a trigger
    "XX001": True,  # a broken file
}
TO_BE_PUT_RIGHT = ("25006", "28P01", "3D000", "42501", "42P01", "42703", "XX001")


@pytest.fixture
async def pool(postgres: PostgresServer, database: str) -> AsyncIterator[Database]:
    """A pool with the rights of the signaler."""
    opened = Database(postgres.url("bongsu_signaler", database), service="signaler", share=Share(3, 6))
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator[Admin]:
    """A connection to this test's database, as bongsu_admin."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def answer(pool: Database) -> int:
    """Ask one question."""
    async with pool.connection() as connection:
        return int(await connection.fetchval("SELECT 7"))


async def use(pool: Database) -> None:
    """Write one row."""
    async with pool.transaction() as connection:
        await connection.execute(USAGE)


async def raised(pool: Database, state: str) -> ServiceError:
    """Return what comes out when PostgreSQL raises an error with this state."""
    with pytest.raises(ServiceError, match=f"PostgreSQL says {state}: no luck") as failed:
        async with pool.connection() as connection:
            await connection.execute(
                f"DO $$ BEGIN RAISE 'no luck' USING ERRCODE = '{state}', DETAIL = 'balance 731'; END $$"
            )
    return failed.value


async def test_an_error_says_by_its_type_whether_to_try_again(pool: Database) -> None:
    found = {state: isinstance(await raised(pool, state), TransientError) for state in STATES}
    assert found == STATES


async def test_what_an_operator_has_to_put_right_is_tried_once_a_minute(pool: Database) -> None:
    found = [await raised(pool, state) for state in TO_BE_PUT_RIGHT]
    waits = [error.retry_after_seconds for error in found if isinstance(error, TransientError)]
    assert waits == [60] * len(TO_BE_PUT_RIGHT)


async def test_a_table_that_is_missing_is_named_and_its_migrations_asked_for(pool: Database) -> None:
    with pytest.raises(
        TransientError, match=r'"later" does not exist \(is every file of migrations/ applied'
    ):
        async with pool.connection() as connection:
            await connection.fetch("SELECT * FROM later")


async def test_a_row_that_is_there_already_is_named_without_its_values(pool: Database) -> None:
    async with pool.connection() as connection:
        await connection.execute(USAGE)
    with pytest.raises(PermanentError, match="23505: duplicate key") as failed:
        async with pool.transaction() as connection:
            await connection.execute(USAGE)
    assert "gemini-3.8-flash" not in str(failed.value)
    assert await answer(pool) == 7


async def test_a_password_that_is_changed_while_a_service_runs_costs_no_message(
    own_postgres: PostgresServer,
) -> None:
    pool = Database(own_postgres.url("bongsu_signaler"), service="signaler", share=Share(1, 2))
    await pool.open()
    try:
        async with pool.connection() as connection:
            await connection.execute("ALTER ROLE bongsu_signaler PASSWORD 'a-new-one-that-is-unknown'")
        async with pool.connection() as connection:
            assert await connection.fetchval("SELECT 7") == 7
            with pytest.raises(TransientError, match="28P01") as refused:
                await answer(pool)
        assert refused.value.retry_after_seconds == 60
        assert "a-new-one" not in str(refused.value)
    finally:
        await pool.close()


async def test_a_locked_table_is_given_up_and_the_connection_comes_back(pool: Database, admin: Admin) -> None:
    async with admin.transaction():
        await admin.execute("LOCK TABLE gemini_usage IN ACCESS EXCLUSIVE MODE")
        writers = await asyncio.gather(*(use(pool) for _ in range(8)), return_exceptions=True)
        assert pool.usage().in_use == 0
    assert all(isinstance(error, TransientError) for error in writers)
    assert sum("55P03" in str(error) for error in writers) >= 6
    await use(pool)


async def test_a_line_with_half_a_second_each_way_is_slow_and_no_error(
    postgres: PostgresServer, database: str
) -> None:
    async with proxy(postgres.port) as line:
        url = line.url(postgres.url("bongsu_signaler", database))
        pool = Database(url, service="signaler", share=Share(1, 2))
        await pool.open()
        line.delay_seconds = 0.8

        # Each try of a busy machine may be too late by itself.
        async def is_answered() -> bool:
            with contextlib.suppress(TransientError):
                return await answer(pool) == 7
            return False

        assert await eventually(is_answered)
        await pool.close()


async def test_a_value_of_the_wrong_type_is_permanent(pool: Database) -> None:
    with pytest.raises(PermanentError, match="22000"):
        async with pool.connection() as connection:
            await connection.fetchval("SELECT $1::int", "seven")


async def test_a_transaction_whose_block_fails_leaves_nothing(pool: Database) -> None:
    async def fail() -> None:
        async with pool.transaction() as connection:
            await connection.execute(USAGE)
            raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        await fail()
    async with pool.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM gemini_usage") == 0


async def test_connections_that_were_killed_while_idle_are_replaced_unnoticed(
    pool: Database, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("ACQUIRE_SECONDS", "PING_SECONDS"):
        monkeypatch.setattr(common.database.pool, limit, HANG_SECONDS)
    assert await admin.fetchval(KILL_ALL) == 3
    answers = await asyncio.gather(*(answer(pool) for _ in range(15)), return_exceptions=True)
    assert answers == [7] * 15
    assert pool.usage().in_use == 0


async def test_a_connection_that_was_killed_in_use_is_a_transient_error(pool: Database, admin: Admin) -> None:
    async def ask_on_a_killed_connection() -> None:
        async with pool.transaction() as connection:
            await connection.execute("SELECT 1")
            await admin.fetchval(KILL_ALL)
            await connection.execute("SELECT 1")

    with pytest.raises(TransientError):
        await ask_on_a_killed_connection()
    assert await answer(pool) == 7
    assert pool.usage().in_use == 0


async def test_a_stopped_server_is_an_error_and_a_new_one_is_used(
    own_postgres: PostgresServer,
) -> None:
    pool = Database(own_postgres.url("bongsu_signaler"), service="signaler", share=Share(1, 2))
    await pool.open()
    own_postgres.stop()
    with pytest.raises(TransientError):
        await answer(pool)
    own_postgres.start()
    assert await answer(pool) == 7
    await pool.close()


async def test_a_frozen_server_is_an_error_and_is_used_when_it_thaws(
    own_postgres: PostgresServer,
) -> None:
    pool = Database(own_postgres.url("bongsu_signaler"), service="signaler", share=Share(1, 2))
    await pool.open()
    assert own_postgres.pid is not None
    postmaster = psutil.Process(own_postgres.pid)
    frozen = [postmaster, *postmaster.children(recursive=True)]
    for process in frozen:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(TransientError):
            await answer(pool)
    finally:
        for process in frozen:
            os.kill(process.pid, signal.SIGCONT)
    assert await answer(pool) == 7
    await pool.close()
