"""Repository of runtime settings: `system_config` holds the values, the cache keeps a coherent copy."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeVar

import structlog

from common.cache import TTLCache
from common.config import queries
from common.config.keys import REGISTRY, ConfigKey, find_key, refuse_secret
from common.config.queries import ConfigChange
from common.database.pool import Database
from common.errors import PermanentError, ServiceError
from common.events import CacheUsage, ConfigChanged
from common.telemetry.names import LogEvent

T = TypeVar("T")

ANY_REVISION: Mapping[str, int] = MappingProxyType({})


class ConfigRepository:
    """Reads and sets values, through the cache and with `config.changed` after every commit.

    Args:
        publish: Sends the event; where it fails the value is committed all the same and every instance
            finds it by comparing revisions.

    Attributes:
        cache: The copy that `config.changed` has to keep coherent.
    """

    def __init__(
        self, database: Database, cache: TTLCache, publish: Callable[[ConfigChanged], Awaitable[None]]
    ) -> None:
        self._database = database
        self.cache = cache
        self._publish = publish
        self._last_known: dict[str, Any] = {}
        self._stale: set[str] = set()
        self._invalid: set[str] = set()
        self._revision = -1
        self._log = structlog.get_logger("common.config.repository")

    @property
    def revision(self) -> int:
        """The newest global revision seen by `refresh`, 0 when nothing was ever set."""
        return max(self._revision, 0)

    def record_revision(self, revision: int) -> None:
        """Record a revision that `config.changed` carried; its key has been dropped already.

        Only the next one counts: a gap hides a change that was not published, and `refresh` has to find it.
        """
        if revision == self._revision + 1:
            self._revision = revision

    def usage(self) -> CacheUsage:
        """Return the cache's counters and the keys that are not served as they are stored."""
        return CacheUsage.model_validate(
            {
                **self.cache.stats(),
                "stale_keys": tuple(sorted(self._stale)),
                "invalid_keys": tuple(sorted(self._invalid)),
            }
        )

    async def get(self, key: ConfigKey[T]) -> T:
        """Return a setting's value; the last known one, noted as stale, while PostgreSQL is away.

        Raises:
            ServiceError: PostgreSQL is away or refuses, and the value was never read.
        """
        try:
            value: T = await self.cache.get_or_set(key.name, lambda: self._load(key))
        except ServiceError as error:
            if key.name not in self._last_known:
                raise
            if key.name not in self._stale:
                self._log.warning(LogEvent.CONFIG_STALE, key=key.name, error=str(error))
            self._stale.add(key.name)
            known: T = self._last_known[key.name]
            return known
        self._stale.discard(key.name)
        return value

    async def get_value(self, key: str) -> Any:
        """Return a setting's value by name; PermanentError for an unknown one, else as `get`."""
        return await self.get(find_key(key))

    async def set_value(
        self, key: str, value: object, *, changed_by: str, if_revision: int | None = None
    ) -> int:
        """Set one key and return its new revision; otherwise as `set_values`."""
        expected = ANY_REVISION if if_revision is None else {key: if_revision}
        revisions = await self.set_values({key: value}, changed_by=changed_by, if_revisions=expected)
        return revisions[key]

    async def set_values(
        self, values: Mapping[str, object], *, changed_by: str, if_revisions: Mapping[str, int] = ANY_REVISION
    ) -> dict[str, int]:
        """Validate all, commit all or none, drop the own copies, publish; returns the new revisions.

        Args:
            if_revisions: The revision at which a key was read, 0 where it had no row: it is set only if it
                still has that one.

        Raises:
            StaleRevisionError: Such a key was changed meanwhile; nothing was changed.
            PermanentError: Unknown key, broken rule, or a value like a secret; nothing was changed.
            TransientError: PostgreSQL is away. Nothing was changed, unless it was the answer to the commit
                that was lost.
        """
        checked = {key: _acceptable(key, value) for key, value in values.items()}
        documents = {key: _document(value) for key, value in checked.items()}
        try:
            revisions = await queries.write(
                self._database, documents, changed_by=changed_by, if_revisions=if_revisions
            )
        finally:
            # After an error too: the commit whose answer was lost may have happened.
            for key in documents:
                await self.cache.invalidate(key)
        self._last_known |= checked
        await self._publish_changes(revisions, changed_by)
        return revisions

    async def history(
        self, key: str | None = None, *, limit: int = 20, before: int | None = None
    ) -> list[ConfigChange]:
        """Return who changed what and when, the newest first; PermanentError for an unknown key."""
        return await queries.changes(self._database, key=key, limit=limit, before=before)

    async def refresh(self) -> bool:
        """Compare the global revision with PostgreSQL; drop all copies and return True when it moved.

        The first comparison always does: what was read before it may be older than what it saw. Then, and as
        long as a key is stale or invalid, every row is looked at: a key may be read but once a day.
        """
        async with self._database.connection() as connection:
            newest = await queries.newest_revision(connection)
            moved = newest != self._revision
            looks = moved or bool(self._stale or self._invalid)
            stored = await queries.stored_settings(connection) if looks else {}
        self._revision = newest
        if moved:
            await self.cache.invalidate()
        if looks:
            for key in REGISTRY.values():
                row = stored.get(key.name)
                self._accept(key, row.value if row else None)
            self._stale.clear()
        return moved

    async def _load(self, key: ConfigKey[T]) -> T:
        async with self._database.connection() as connection:
            document = await queries.stored_document(connection, key.name)
        return self._accept(key, document)

    def _accept(self, key: ConfigKey[T], document: str | None) -> T:
        """Return what a row stands for, and remember it."""
        try:
            value = key.default if document is None else key.read(document)
            self._invalid.discard(key.name)
        except PermanentError as error:
            # Written past us, by hand. The last good value holds; the bad one is not printed.
            if key.name not in self._invalid:
                self._log.error(LogEvent.CONFIG_INVALID, key=key.name, error=str(error))
            self._invalid.add(key.name)
            value = self._last_known.get(key.name, key.default)
        self._last_known[key.name] = value
        return value

    async def _publish_changes(self, revisions: Mapping[str, int], changed_by: str) -> None:
        for key, revision in revisions.items():
            try:
                await self._publish(ConfigChanged(key=key, revision=revision, changed_by=changed_by))
            except ServiceError as error:
                # The next ones would not get through either; all are found by comparing revisions.
                self._log.warning(LogEvent.CONFIG_STALE, key=key, revision=revision, error=str(error))
                return


def _acceptable(name: str, value: object) -> Any:
    checked = find_key(name).check(_as_json(value))
    refuse_secret(name, checked if isinstance(checked, str) else _document(checked))
    return checked


def _document(value: object) -> str:
    return json.dumps(_as_json(value))


def _as_json(value: object) -> object:
    return str(value) if isinstance(value, Decimal) else value
