"""The state is made once for all viewers, and only while there is one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import BaseModel

from common.errors import TransientError
from health.page import feed as feed_module
from health.page.feed import MOST_VIEWERS, Feed, Part, Viewer
from servers.waiting import HANG_SECONDS, eventually


@pytest.fixture(autouse=True)
def _steady_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What moves all the time is sent with nothing else, however slow the machine is."""
    monkeypatch.setattr(feed_module, "VOLATILE_SECONDS", 10 * HANG_SECONDS)


class Document(BaseModel):
    """A part of the state; `clock` moves all the time."""

    word: str
    clock: int


@dataclass
class Source:
    """Gives the part, counts how often, and may be away."""

    word: str = "first"
    is_away: bool = False
    loads: int = field(default=0)

    async def load(self) -> Document:
        self.loads += 1
        if self.is_away:
            raise TransientError("away")
        return Document(word=self.word, clock=self.loads)


@asynccontextmanager
async def feeding(source: Source, *, every_seconds: float = 0.01) -> AsyncIterator[Feed]:
    feed = Feed((Part("part", source.load, every_seconds, volatile=frozenset({"clock"})),))
    feed.start()
    try:
        yield feed
    finally:
        await feed.stop()


async def test_any_number_of_viewers_costs_one_load_and_none_costs_nothing() -> None:
    source = Source()
    async with feeding(source, every_seconds=60) as feed:
        await asyncio.sleep(0)
        assert source.loads == 0
        viewers = [_enter(feed) for _ in range(50)]
        received = [await _receive(feed, viewer) for viewer in viewers]
        assert {part["data"]["word"] for part in received} == {"first"}
        assert source.loads == 1
        source.word = "second"
        feed.refresh_now("part")
        assert [(await _receive(feed, viewer))["data"]["word"] for viewer in viewers] == ["second"] * 50
        assert source.loads == 2


async def test_a_viewer_that_was_away_gets_the_newest_and_nothing_in_between() -> None:
    source = Source()
    async with feeding(source) as feed:
        quick, slow = _enter(feed), _enter(feed)
        for word in ("a", "b", "c"):
            source.word = word
            while (await _receive(feed, quick))["data"]["word"] != word:
                pass
        assert (await _receive(feed, slow))["data"]["word"] == "c"
        assert await feed.changes(slow, 0.05) == []


async def test_what_moves_all_the_time_is_not_sent_by_itself() -> None:
    source = Source()
    async with feeding(source) as feed:
        viewer = _enter(feed)
        await _receive(feed, viewer)
        loads = source.loads
        await eventually(lambda: source.loads > loads + 2)
        assert await feed.changes(viewer, 0.05) == []


async def test_a_part_that_cannot_be_read_stays_as_it_was_and_says_why() -> None:
    source = Source()
    async with feeding(source) as feed:
        viewer = _enter(feed)
        before = await _receive(feed, viewer)
        source.is_away = True
        lost = await _receive(feed, viewer)
        assert (lost["data"]["word"], lost["error"]) == ("first", "PostgreSQL cannot be read")
        assert lost["read_at"] >= before["read_at"]
        source.is_away = False
        assert (await _receive(feed, viewer))["error"] is None


async def test_the_first_viewer_after_a_pause_never_sees_what_was_before_it() -> None:
    source = Source()
    async with feeding(source) as feed:
        viewer = _enter(feed)
        await _receive(feed, viewer)
        feed.leave(viewer)
        await eventually(lambda: _rests(source))
        source.word = "after"
        assert (await _receive(feed, _enter(feed)))["data"]["word"] == "after"


async def test_the_places_are_bounded_and_the_end_lets_all_go() -> None:
    source = Source()
    async with feeding(source) as feed:
        viewers = [_enter(feed) for _ in range(MOST_VIEWERS)]
        assert feed.enter() is None
        feed.leave(viewers[0])
        viewer = _enter(feed)
        await _receive(feed, viewer)
        waiting = asyncio.create_task(feed.changes(viewer, 60))
        await asyncio.sleep(0)
        await feed.stop()
        assert await asyncio.wait_for(waiting, HANG_SECONDS) == []


def _enter(feed: Feed) -> Viewer:
    viewer = feed.enter()
    assert viewer is not None
    return viewer


async def _receive(feed: Feed, viewer: Viewer) -> dict[str, Any]:
    [(name, document)] = await feed.changes(viewer, HANG_SECONDS)
    assert name == "part"
    return dict(json.loads(document))


async def _rests(source: Source) -> bool:
    loads = source.loads
    await asyncio.sleep(0.05)
    return source.loads == loads
