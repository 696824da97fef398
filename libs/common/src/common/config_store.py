"""What is a runtime setting now? `system_config` holds the values, the cache keeps a coherent copy."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, TypeVar

import structlog

from common.cache import TTLCache
from common.config_keys import ConfigKey, find_key
from common.database import Database
from common.errors import PermanentError, TransientError
from common.events import CacheUsage, ConfigChanged
from common.telemetry.names import LogEvent

T = TypeVar("T")


class ConfigRepository:
    """Reads and sets values, through the cache and with `config.changed` behind every commit.

    Args:
        publish: Sends the event; where it fails the value is committed all the same and every instance
            finds it by comparing revisions.
    """

    def __init__(
        self,
        database: Database,
        cache: TTLCache,
        publish: Callable[[ConfigChanged], Awaitable[None]],
    ) -> None:
        self._database = database
        self._cache = cache
        self._publish = publish
        self._last_known: dict[str, object] = {}
        self._stale: set[str] = set()
        self._revision = -1
        self._log = structlog.get_logger("common.config_store")

    @property
    def cache(self) -> TTLCache:
        """The copy that `config.changed` has to keep coherent."""
        return self._cache

    @property
    def revision(self) -> int:
        """The newest global revision seen by `refresh`, 0 when nothing was ever set."""
        return max(self._revision, 0)

    def heard(self, revision: int) -> None:
        """Take note of a revision that `config.changed` told; its key has been dropped already.

        Only the next one counts: behind a gap is a change that nobody told, and `refresh` has to find it.
        """
        if revision == self._revision + 1:
            self._revision = revision

    def usage(self) -> CacheUsage:
        """Return the cache's counters and the keys that are served stale."""
        return CacheUsage.model_validate({**self._cache.stats(), "stale_keys": tuple(sorted(self._stale))})

    async def get(self, key: ConfigKey[T]) -> T:
        """Return a setting's value; the last known one, noted as stale, while PostgreSQL is away.

        Raises:
            TransientError: PostgreSQL is away and the value was never read.
        """
        try:
            value: T = await self._cache.get_or_set(key.name, lambda: self._load(key))
        except TransientError as error:
            if key.name not in self._last_known:
                raise
            if key.name not in self._stale:
                self._log.warning(LogEvent.CONFIG_STALE, key=key.name, error=str(error))
            self._stale.add(key.name)
            known: T = self._last_known[key.name]  # type: ignore[assignment]
            return known
        self._stale.discard(key.name)
        return value

    async def get_value(self, key: str) -> Any:
        """Return a setting's value by name; PermanentError for an unknown one, else as `get`."""
        return await self.get(find_key(key))

    async def set_value(self, key: str, value: object, *, changed_by: str) -> int:
        """Validate, commit, drop the own copy, tell everybody; returns the new revision.

        Raises:
            PermanentError: Unknown key or broken rule; nothing was changed.
            TransientError: PostgreSQL is away; nothing was changed.
        """
        registered = find_key(key)
        checked = registered.check(_as_json(value))
        document = json.dumps(_as_json(checked))
        async with self._database.transaction() as connection:
            await connection.execute("SELECT set_config('bongsu.changed_by', $1, true)", changed_by)
            revision: int = await connection.fetchval(
                "INSERT INTO system_config (key, value) VALUES ($1, $2::jsonb)"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value RETURNING revision",
                key,
                document,
            )
        await self._cache.invalidate(key)
        try:
            await self._publish(ConfigChanged(key=key, revision=revision, changed_by=changed_by))
        except TransientError as error:
            self._log.warning(LogEvent.CONFIG_STALE, key=key, revision=revision, error=str(error))
        return revision

    async def refresh(self) -> bool:
        """Compare the global revision with PostgreSQL; drop all copies and return True when it moved.

        The first comparison always does: what was read before it may be older than what it saw.
        """
        async with self._database.connection() as connection:
            newest: int = await connection.fetchval(
                "SELECT coalesce(max(revision), 0) FROM system_config_history"
            )
        moved = newest != self._revision
        self._revision = newest
        if moved:
            await self._cache.invalidate()
        return moved

    async def _load(self, key: ConfigKey[T]) -> T:
        async with self._database.connection() as connection:
            document = await connection.fetchval(
                "SELECT value::text FROM system_config WHERE key = $1", key.name
            )
        value = key.default if document is None else self._checked(key, json.loads(document))
        self._last_known[key.name] = value
        return value

    def _checked(self, key: ConfigKey[T], value: object) -> T:
        try:
            return key.check(value)
        except PermanentError as error:
            # Written past us, by hand. The last good value holds; the bad one is not printed.
            self._log.error(LogEvent.CONFIG_INVALID, key=key.name, error=str(error))
            known: T = self._last_known.get(key.name, key.default)  # type: ignore[assignment]
            return known


def _as_json(value: object) -> object:
    return str(value) if isinstance(value, Decimal) else value
