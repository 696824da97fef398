"""PostgreSQL checks: version, connections, durability. All SQL of the doctor; it only reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bongsu.database.queries import database
from bongsu.doctor.checks.clock import seconds_ahead
from bongsu.doctor.finding import Finding, ok, problem
from common.clock import utc_now
from common.config.queries import StoredSetting, stored_settings
from common.database.pool import SHARES, Connection

OLDEST = 15
NEWEST = 18
# Acknowledged means on disk. What stands here is what loses candles that were acknowledged.
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
# Besides the services' shares: bongsu_admin's four, and three that PostgreSQL keeps for its superuser.
FURTHER_CONNECTIONS = 7

_SERVER = """
SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version,
    current_setting('max_connections')::int AS max_connections,
    current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit, clock_timestamp() AS now"""
_CARELESS_ROLES = """
SELECT coalesce(rolname, 'every role') AS role
FROM pg_db_role_setting LEFT JOIN pg_roles ON pg_roles.oid = setrole
WHERE 'synchronous_commit=off' = ANY (setconfig) ORDER BY role"""
_SIZES = """
SELECT relname AS table, pg_total_relation_size(oid) AS bytes, reltuples::bigint AS rows
FROM pg_class WHERE oid IN (to_regclass('market_data'), to_regclass('trading_signals'))"""
_NEWEST_SIGNAL = """
SELECT source, cause, model_requested, model_served FROM trading_signals ORDER BY created_at DESC LIMIT 1"""


@dataclass(frozen=True)
class TableSize:
    """What a table takes, indexes included; `rows` is PostgreSQL's estimate, below 1 where it has none."""

    bytes: int
    rows: int


@dataclass(frozen=True)
class DatabaseFacts:
    """What one connection read.

    Attributes:
        server: Version, limits and durability settings by name.
        careless_roles: Who commits without waiting for the disk.
        applied: SHA-256 of each migration that ran, by version; None where none ever did.
        stored: What was set, by key; {} before the migrations.
        seconds_ahead: How far its clock is ahead of ours.
    """

    server: Mapping[str, object]
    careless_roles: tuple[str, ...]
    applied: Mapping[int, str] | None
    stored: Mapping[str, StoredSetting]
    sizes: Mapping[str, TableSize]
    newest_signal: Mapping[str, str | None] | None
    seconds_ahead: float


async def database_facts(url: str) -> DatabaseFacts:
    """Ask PostgreSQL; CommandError where it cannot be asked."""
    async with database(url) as opened, opened.connection() as connection:
        asked = utc_now()
        server = dict(await connection.fetchrow(_SERVER) or {})
        ahead = seconds_ahead(server["now"], asked=asked, answered=utc_now())
        careless = [row["role"] for row in await connection.fetch(_CARELESS_ROLES)]
        applied = await _applied(connection)
        has_tables = await connection.fetchval("SELECT to_regclass('trading_signals') IS NOT NULL")
        sizes = {row["table"]: TableSize(row["bytes"], row["rows"]) for row in await connection.fetch(_SIZES)}
        newest = await connection.fetchrow(_NEWEST_SIGNAL) if has_tables else None
        stored = await stored_settings(connection) if has_tables else {}
    return DatabaseFacts(
        server, tuple(careless), applied, stored, sizes, dict(newest) if newest else None, ahead
    )


def judge_server(facts: DatabaseFacts) -> list[Finding]:
    """Judge its version, its connections, and whether what it acknowledges survives a power cut. Pure."""
    major = int(str(facts.server["number"])) // 10_000
    version = f"PostgreSQL {facts.server['version']}"
    findings = [
        ok("postgresql", version)
        if OLDEST <= major <= NEWEST
        else problem("postgresql", version, f"run PostgreSQL {OLDEST} to {NEWEST}; others are not tested")
    ]
    needed = sum(share.max for share in SHARES.values()) + FURTHER_CONNECTIONS
    most = int(str(facts.server["max_connections"]))
    if most < needed:
        findings.append(
            problem(
                "connections",
                f"max_connections is {most}, {needed} are needed",
                f"set max_connections = {needed} or more and restart PostgreSQL",
            )
        )
    return [*findings, _judge_durability(facts)]


def _judge_durability(facts: DatabaseFacts) -> Finding:
    lax = [name for name in DURABLE if facts.server[name] == "off"]
    if lax:
        return problem(
            "durability",
            f"{' and '.join(lax)} off: a power cut loses acknowledged candles, or the whole database",
            f"set {', '.join(f'{name} = on' for name in lax)} in postgresql.conf and reload",
        )
    if facts.careless_roles:
        roles = ", ".join(facts.careless_roles)
        return problem(
            "durability",
            f"synchronous_commit is off for {roles}: a power cut loses acknowledged candles",
            f"ALTER ROLE {facts.careless_roles[0]} RESET synchronous_commit",
        )
    return ok("durability", f"{', '.join(DURABLE)} are on")


async def _applied(connection: Connection) -> dict[int, str] | None:
    if not await connection.fetchval("SELECT to_regclass('schema_migrations') IS NOT NULL"):
        return None
    rows = await connection.fetch("SELECT version, sha256 FROM schema_migrations")
    return {row["version"]: row["sha256"] for row in rows}
