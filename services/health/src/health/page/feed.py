"""Broadcast of the page's state: made once for all viewers, and only while there is one.

A part of it that cannot be read stays as it was and says why. A viewer gets what is newest, never what it
missed, so one that is slow delays no other and nothing piles up.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pydantic import BaseModel

from common.clock import utc_now
from common.errors import ServiceError
from common.tasks import Background
from health.http.responses import masked

MOST_VIEWERS = 100
# Measurements that move all the time are sent no more often than this.
VOLATILE_SECONDS = 5.0
CANNOT_BE_READ = "PostgreSQL cannot be read"


@dataclass(frozen=True)
class Part:
    """One part of the page.

    Attributes:
        load: Makes it; a ServiceError means that it cannot be read now.
        every_seconds: How often it is made.
        volatile: Names of fields whose change alone is not sent, for `VOLATILE_SECONDS`.
    """

    name: str
    load: Callable[[], Awaitable[BaseModel]]
    every_seconds: float
    volatile: frozenset[str] = frozenset()


@dataclass(eq=False)
class Viewer:
    """One open page: the parts of which there is a newer version than it has."""

    unseen: set[str]
    changed: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class _Kept:
    """A part as it was made last; `document` is empty before the first time."""

    document: str = ""
    sent_at: float = 0.0
    data: Any = None
    read_at: str | None = None
    error: str | None = None
    is_due: asyncio.Event = field(default_factory=asyncio.Event)


class Feed(Background):
    """Keeps the parts fresh while there is a viewer."""

    def __init__(self, parts: tuple[Part, ...]) -> None:
        super().__init__("feed", *(partial(self._refresh, part) for part in parts))
        self._kept = {part.name: _Kept() for part in parts}
        self._viewers: set[Viewer] = set()
        self._watched = asyncio.Event()
        self.has_ended = False

    async def stop(self) -> None:
        """Let every viewer go."""
        self.has_ended = True
        for viewer in self._viewers:
            viewer.changed.set()
        await super().stop()

    def enter(self) -> Viewer | None:
        """Return a new viewer, None where there are as many as there may be."""
        if len(self._viewers) >= MOST_VIEWERS:
            return None
        if not self._viewers:
            # What was made for the last one may be long past.
            for kept in self._kept.values():
                kept.document = ""
                kept.is_due.set()
        viewer = Viewer({name for name, kept in self._kept.items() if kept.document})
        self._viewers.add(viewer)
        self._watched.set()
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """Forget a viewer."""
        self._viewers.discard(viewer)
        if not self._viewers:
            self._watched.clear()

    def refresh_now(self, name: str) -> None:
        """Have a part made now: there is something new in it."""
        self._kept[name].is_due.set()

    async def changes(self, viewer: Viewer, timeout_seconds: float) -> list[tuple[str, str]]:
        """Return the name and the JSON of each part that is newer than the viewer has.

        Nothing when there was none in time, or when the feed has ended.
        """
        while not self.has_ended:
            viewer.changed.clear()
            if viewer.unseen:
                newer = [(name, kept.document) for name, kept in self._kept.items() if name in viewer.unseen]
                viewer.unseen.clear()
                return newer
            try:
                await asyncio.wait_for(viewer.changed.wait(), timeout_seconds)
            except TimeoutError:
                break
        return []

    async def _refresh(self, part: Part) -> None:
        kept = self._kept[part.name]
        while True:
            await self._watched.wait()
            kept.is_due.clear()
            await self._make(part, kept)
            # Sooner where something new is reported.
            await asyncio.wait([due := asyncio.ensure_future(kept.is_due.wait())], timeout=part.every_seconds)
            due.cancel()

    async def _make(self, part: Part, kept: _Kept) -> None:
        data, error = kept.data, None
        try:
            data = masked(await part.load())
            kept.read_at = utc_now().isoformat()
        except ServiceError:
            error = CANNOT_BE_READ
        before = (_steady(kept.data, part.volatile), kept.error)
        kept.data, kept.error = data, error
        is_old = time.monotonic() - kept.sent_at >= VOLATILE_SECONDS and bool(part.volatile)
        if kept.document and not is_old and before == (_steady(data, part.volatile), error):
            return
        kept.document = json.dumps(
            {"data": data, "error": error, "read_at": kept.read_at}, ensure_ascii=False, separators=(",", ":")
        )
        kept.sent_at = time.monotonic()
        for viewer in self._viewers:
            viewer.unseen.add(part.name)
            viewer.changed.set()


def _steady(data: Any, volatile: frozenset[str]) -> Any:
    """Return the data without what moves all the time."""
    if not volatile:
        return data
    if isinstance(data, dict):
        return {key: _steady(value, volatile) for key, value in data.items() if key not in volatile}
    if isinstance(data, list):
        return [_steady(value, volatile) for value in data]
    return data
