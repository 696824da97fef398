"""Each role may do to each table exactly what the design grants it, and nothing else in the database.

What is granted is written here once more, from the design and not from the migrations.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from bongsu.provisioning import migrations
from bongsu.servers.postgres.server import PostgresServer

ROLES = ("bongsu_collector", "bongsu_signaler", "bongsu_health")
READS = {"SELECT"}
WRITES = {"SELECT", "INSERT", "UPDATE", "DELETE"}
PRIVILEGES = (*sorted(WRITES), "TRUNCATE", "REFERENCES", "TRIGGER")

# Each owner writes its own tables, the signaler reads the collector's, health all, everyone the settings.
GRANTED: dict[str, dict[str, set[str]]] = {
    "bongsu_collector": {
        "market_data": WRITES,
        "candle_gaps": WRITES,
        "repair_progress": WRITES,
        "upbit_block": WRITES,
        "system_config": READS,
        "system_config_history": READS,
    },
    "bongsu_signaler": {
        "trading_signals": WRITES,
        "signals_to_tell": WRITES,
        "gemini_usage": WRITES,
        "market_data": READS,
        "candle_gaps": READS,
        "system_config": READS,
        "system_config_history": READS,
    },
    "bongsu_health": {
        "market_data": READS,
        "candle_gaps": READS,
        "repair_progress": READS,
        "upbit_block": READS,
        "trading_signals": READS,
        "signals_to_tell": READS,
        "gemini_usage": READS,
        "orders": READS,
        "system_config": READS,
        "system_config_history": READS,
        "schema_migrations": READS,
    },
}
TABLES = {
    *("market_data", "candle_gaps", "trading_signals", "gemini_usage", "orders"),
    *("system_config", "system_config_history", "schema_migrations"),
    *("repair_progress", "signals_to_tell", "upbit_block"),
}
REFUSED = (
    "CREATE TABLE public.mine (number integer)",
    "CREATE TEMPORARY TABLE mine (number integer)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION public.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE ROLE mine",
    "CREATE DATABASE mine",
    "CREATE EXTENSION file_fdw",
    "ALTER TABLE market_data DISABLE TRIGGER ALL",
    "DROP TABLE orders",
    "TRUNCATE system_config",
    "INSERT INTO system_config (key, value) VALUES ('markets', '[]')",
    "UPDATE system_config SET value = '[]'",
    "DELETE FROM system_config_history",
    "INSERT INTO schema_migrations (version, name, sha256) VALUES (9999, 'mine', '')",
    "DELETE FROM orders",
    "SET ROLE bongsu_admin",
    "SET SESSION AUTHORIZATION bongsu_admin",
    "COPY market_data TO PROGRAM 'true'",
    "SELECT pg_read_file('postgresql.conf')",
    "SELECT * FROM pg_authid",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'bongsu_admin'",
)
# What PostgreSQL leaves open to all.
LEFT_OPEN = (
    "SELECT has_schema_privilege('public', 'CREATE') AS tables,"
    " has_database_privilege(current_database(), 'CREATE') AS schemas,"
    " has_database_privilege(current_database(), 'TEMPORARY') AS temporary,"
    " has_function_privilege('system_config_revise()', 'EXECUTE') AS revise,"
    " (SELECT count(*) FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner"
    "  WHERE r.rolname = 'bongsu_admin' AND has_function_privilege(p.oid, 'EXECUTE')) AS functions,"
    " (SELECT array_agg(datname::text) FROM pg_database WHERE NOT datistemplate"
    "  AND datname IN ('postgres', current_database())"
    "  AND has_database_privilege(oid, 'CONNECT')) AS databases,"
    " (SELECT count(*) FROM pg_auth_members WHERE member = current_user::regrole) AS memberships"
)


@pytest.fixture
async def migrated(postgres: PostgresServer) -> AsyncIterator[str]:
    """A database that was migrated itself: a copy of one has none of the rights on the database as such."""
    name = f"test_{secrets.token_hex(6)}"
    async with connected(postgres, "bongsu_admin", "bongsu") as admin:
        await admin.execute(f"CREATE DATABASE {name} STRATEGY file_copy")
        await migrations.apply(postgres.url(database=name))
        yield name
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def connected(
    server: PostgresServer, role: str, database: str
) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """Log in as a role."""
    connection = await asyncpg.connect(server.url(role, database))
    try:
        yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_may_do_to_each_table_what_it_is_granted_and_nothing_that_postgresql_leaves_open(
    postgres: PostgresServer, migrated: str, role: str
) -> None:
    async with connected(postgres, role, migrated) as connection:
        rows = await connection.fetch(
            "SELECT relname, privilege FROM pg_class, unnest($1::text[]) AS privilege"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')"
            " AND (has_table_privilege(oid, privilege) OR privilege IN ('SELECT', 'INSERT', 'UPDATE',"
            " 'REFERENCES') AND has_any_column_privilege(oid, privilege))",
            PRIVILEGES,
        )
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        may = await connection.fetchrow(LEFT_OPEN)
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["relname"], set()).add(row["privilege"])
    assert {row["tablename"] for row in tables} == TABLES
    assert found == GRANTED[role]
    assert may is not None
    assert dict(may) == {
        "tables": False,
        "schemas": False,
        "temporary": False,
        "revise": False,
        "functions": 0,
        "databases": [migrated],
        "memberships": 0,
    }


@pytest.mark.parametrize("role", ROLES)
async def test_what_no_service_may_do_fails_when_it_is_done_and_none_connects_to_another_database(
    postgres: PostgresServer, migrated: str, role: str
) -> None:
    async with connected(postgres, role, migrated) as connection:
        done = []
        for statement in REFUSED:
            try:
                await connection.execute(statement)
            except asyncpg.InsufficientPrivilegeError:
                continue
            done.append(statement)
    assert done == []
    for database in ("postgres", "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(postgres.url(role, database))


async def test_a_role_does_what_it_is_granted(postgres: PostgresServer, migrated: str) -> None:
    async with connected(postgres, "bongsu_collector", migrated) as collector:
        await collector.execute(
            "INSERT INTO candle_gaps (symbol, from_time, to_time, status, evidence)"
            " VALUES ('KRW-BTC', '2026-03-11 14:00Z', '2026-03-11 14:01Z', 'open', 'test')"
        )
    async with connected(postgres, "bongsu_signaler", migrated) as signaler:
        assert await signaler.fetchval("SELECT count(*) FROM candle_gaps") == 1
        await signaler.execute("INSERT INTO gemini_usage (day, model) VALUES ('2026-03-11', 'some-model')")
    async with connected(postgres, "bongsu_health", migrated) as health:
        assert await health.fetchval("SELECT count(*) FROM gemini_usage") == 1
    async with connected(postgres, "bongsu_admin", migrated) as admin:
        await admin.execute("INSERT INTO system_config (key, value) VALUES ('markets', '[\"KRW-BTC\"]')")
        assert await admin.fetchval("SELECT revision FROM system_config") == 1
