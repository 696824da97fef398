"""Exported recordings: readable by a replay, and whole or not there."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.database.export import write_recording
from bongsu.database.queries import StoredCandle
from bongsu.errors import CommandError
from common.errors import TransientError
from upbit_simulator.recorded.recording import load_recording

FIRST = datetime(2026, 1, 13, 9, 59, tzinfo=UTC)


def exact(most: int) -> st.SearchStrategy[Decimal]:
    """Return numbers with eight places, as PostgreSQL keeps Upbit's."""
    return st.integers(1, most * 10**8).map(lambda units: Decimal(units).scaleb(-8))


@st.composite
def stored_candles(draw: st.DrawFn) -> StoredCandle:
    low, *others, high = sorted(draw(st.lists(exact(10**9), min_size=4, max_size=4)))
    opening, closing = draw(st.permutations(others))
    minute = FIRST + timedelta(minutes=draw(st.integers(0, 10_000)))
    market = draw(st.sampled_from(["KRW-BTC", "KRW-ETH", "BTC-XRP"]))
    return StoredCandle(market, minute, opening, high, low, closing, draw(exact(10**6)), draw(exact(10**12)))


async def each(candles: list[StoredCandle]) -> AsyncIterator[StoredCandle]:
    for candle in candles:
        yield candle


PRICE = Decimal("135743000.00000000")
CANDLE = StoredCandle("KRW-BTC", FIRST, PRICE, PRICE, PRICE, PRICE, Decimal("0.5"), PRICE / 2)


@given(st.lists(stored_candles(), min_size=1, max_size=20, unique_by=lambda c: (c.symbol, c.timestamp)))
async def test_every_number_of_every_market_comes_back(candles: list[StoredCandle]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "my.json"
        written = await write_recording(path, each(candles))
        recording = load_recording(path)
    assert written == {market: found.records for market, found in recording.by_market.items()}
    assert {
        StoredCandle(
            market,
            datetime.fromtimestamp(found.open_ms // 1000, UTC),
            found.opening,
            found.high,
            found.low,
            found.closing,
            found.volume,
            found.value,
        )
        for market, recorded in recording.by_market.items()
        for found in recorded.candles
    } == set(candles)


async def test_a_name_that_ends_in_gz_makes_a_packed_file(tmp_path: Path) -> None:
    path = tmp_path / "my.json.gz"
    await write_recording(path, each([CANDLE]))
    assert path.read_bytes().startswith(b"\x1f\x8b")
    assert load_recording(path).by_market["KRW-BTC"].records == 1


async def test_an_export_that_fails_half_way_leaves_the_file_before_it(tmp_path: Path) -> None:
    async def failing() -> AsyncIterator[StoredCandle]:
        yield CANDLE
        raise TransientError("PostgreSQL did not answer in time")

    path = tmp_path / "my.json"
    path.write_text("the one before")
    with pytest.raises(TransientError):
        await write_recording(path, failing())
    assert os.listdir(tmp_path) == ["my.json"]
    assert path.read_text() == "the one before"


async def test_nothing_to_export_makes_no_file(tmp_path: Path) -> None:
    assert not await write_recording(tmp_path / "my.json", each([]))
    assert os.listdir(tmp_path) == []


async def test_a_link_is_followed_and_stays_one(tmp_path: Path) -> None:
    link = tmp_path / "newest.json"
    link.symlink_to("my.json")
    await write_recording(link, each([CANDLE]))
    assert sorted(os.listdir(tmp_path)) == ["my.json", "newest.json"]
    assert os.readlink(link) == "my.json"
    assert load_recording(tmp_path / "my.json").by_market["KRW-BTC"].records == 1


@pytest.mark.parametrize("name", [".", "folder", "pipe", "link-to-the-pipe", "no/such/folder/my.json"])
async def test_what_is_no_plain_file_is_refused_and_left_alone(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A pipe stands for every device: a test that fails must not take /dev/null from the machine.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link-to-the-pipe").symlink_to("pipe")
    with pytest.raises(CommandError, match=f"^{name} cannot be written: .*; name a "):
        await write_recording(Path(name), each([CANDLE]))
    assert sorted(os.listdir(tmp_path)) == ["folder", "link-to-the-pipe", "pipe"]
    assert stat.S_ISFIFO(os.stat("pipe").st_mode)
