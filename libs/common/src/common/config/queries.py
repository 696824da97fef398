"""All SQL of `system_config`: how settings are stored and changed; nothing is cached here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from common.config.keys import REGISTRY, find_key
from common.database.pool import Connection, Database
from common.errors import PermanentError, StaleRevisionError

# Shown in place of a value that was written past every check: it may be anything, a secret too.
NOT_VALID = "<not valid>"
# Writers that wait for an open transaction must not pile up.
LOCK_LIMIT = "2s"


@dataclass(frozen=True)
class StoredSetting:
    """One row of `system_config`, its value as JSON text, its time in UTC."""

    value: str
    revision: int
    updated_at: datetime
    updated_by: str


@dataclass(frozen=True)
class ConfigChange:
    """One change of one setting.

    Attributes:
        old_value: What held before; None without a row (the default), NOT_VALID for what breaks the rule.
        new_value: Likewise; None where the row was deleted.
        changed_at: UTC.
    """

    revision: int
    key: str
    old_value: object
    new_value: object
    changed_by: str
    changed_at: datetime


async def newest_revision(connection: Connection) -> int:
    """Return the revision of the last change of any key, 0 when nothing was ever set."""
    newest: int = await connection.fetchval("SELECT coalesce(max(revision), 0) FROM system_config_history")
    return newest


async def stored_document(connection: Connection, key: str) -> str | None:
    """Return a key's value as JSON text; None without a row."""
    document: str | None = await connection.fetchval(
        "SELECT value::text FROM system_config WHERE key = $1", key
    )
    return document


async def stored_settings(
    connection: Connection, *, timeout_seconds: float | None = None
) -> dict[str, StoredSetting]:
    """Return every row, by key; a key that was never set is not in it."""
    rows = await connection.fetch(
        "SELECT key, value::text, revision, updated_at, updated_by FROM system_config",
        timeout=timeout_seconds,
    )
    return {
        row["key"]: StoredSetting(row["value"], row["revision"], row["updated_at"], row["updated_by"])
        for row in rows
    }


async def write(
    database: Database, documents: Mapping[str, str], *, changed_by: str, if_revisions: Mapping[str, int]
) -> dict[str, int]:
    """Write all rows or none, and return each one's new revision.

    Args:
        documents: Checked values as JSON text, by key.
        if_revisions: The revision each of these keys must still have, 0 for one without a row.

    Raises:
        StaleRevisionError: One of them has another; nothing was changed.
        TransientError: PostgreSQL is away, or another writer changes settings for longer than two seconds.
            Nothing was changed, unless it was the answer to the commit that was lost.
    """
    async with database.transaction() as connection:
        await connection.execute(
            "SELECT set_config('bongsu.changed_by', $1, true), set_config('lock_timeout', $2, true)",
            changed_by,
            LOCK_LIMIT,
        )
        # Before any row's lock: an UPDATE by hand takes its row first and the history's lock then, the
        # upsert the other way round, and PostgreSQL would end one of the two.
        await connection.execute("LOCK TABLE system_config IN SHARE ROW EXCLUSIVE MODE")
        for key, expected in if_revisions.items():
            await _compare(connection, key, expected)
        return {key: await _upsert(connection, key, document) for key, document in documents.items()}


async def changes(
    database: Database, *, key: str | None, limit: int, before: int | None = None
) -> list[ConfigChange]:
    """Return the last changes of one key or of all, the newest first; PermanentError for an unknown key.

    Args:
        before: Only those of a smaller revision.
    """
    if key is not None:
        find_key(key)
    async with database.connection() as connection:
        # What held before is looked for only for the rows that are given, however long the history is.
        rows = await connection.fetch(
            "SELECT revision, key, value::text, updated_by, updated_at,"
            " (SELECT value::text FROM system_config_history AS earlier"
            "   WHERE earlier.key = given.key AND earlier.revision < given.revision"
            "   ORDER BY earlier.revision DESC LIMIT 1) AS old_value"
            " FROM system_config_history AS given"
            " WHERE ($1::text IS NULL OR key = $1) AND ($3::bigint IS NULL OR revision < $3)"
            " ORDER BY revision DESC LIMIT $2",
            key,
            limit,
            before,
        )
    return [
        ConfigChange(
            revision=row["revision"],
            key=row["key"],
            old_value=_readable(row["key"], row["old_value"]),
            new_value=_readable(row["key"], row["value"]),
            changed_by=row["updated_by"],
            changed_at=row["updated_at"],
        )
        for row in rows
    ]


async def _compare(connection: Connection, key: str, expected: int) -> None:
    row = await connection.fetchrow(
        "SELECT revision, updated_by, updated_at FROM system_config WHERE key = $1", key
    )
    revision = row["revision"] if row else 0
    if revision != expected:
        raise StaleRevisionError(
            key=key,
            expected=expected,
            revision=revision,
            changed_by=row["updated_by"] if row else None,
            changed_at=row["updated_at"] if row else None,
        )


async def _upsert(connection: Connection, key: str, document: str) -> int:
    revision: int = await connection.fetchval(
        "INSERT INTO system_config (key, value) VALUES ($1, $2::jsonb)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value RETURNING revision",
        key,
        document,
    )
    return revision


def _readable(key: str, document: str | None) -> object:
    if document is None:
        return None
    try:
        return REGISTRY[key].read(document) if key in REGISTRY else NOT_VALID
    except PermanentError:
        return NOT_VALID
