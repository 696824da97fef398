"""`bongsu candles`: the candles asked for, and an export that a replay reads."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from integration.bongsu.rows import FIRST, store_candles
from servers.commands import bongsu
from upbit_simulator.encoding import utc
from upbit_simulator.recorded.recording import load_recording

if TYPE_CHECKING:
    from integration.bongsu.conftest import Admin, Command


async def test_what_is_exported_is_what_is_stored_holes_included(
    stack: dict[str, str], admin: Admin, tmp_path: Path
) -> None:
    await store_candles(admin, "KRW-BTC", [0, 1, 2, 5, 6])
    await store_candles(admin, "KRW-ETH", [3, 4], price="1135743000.12345678")
    path = tmp_path / "my.json"
    ended = await asyncio.to_thread(bongsu, "candles", "--export", str(path), **stack)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"7 candles of KRW-BTC, KRW-ETH written to {path}\n"
    recording = load_recording(path)
    assert {
        code: (utc(market.first_ms), utc(market.last_ms), market.records)
        for code, market in recording.by_market.items()
    } == {
        "KRW-BTC": (FIRST, FIRST + timedelta(minutes=6), 5),
        "KRW-ETH": (FIRST + timedelta(minutes=3), FIRST + timedelta(minutes=4), 2),
    }
    newest = recording.by_market["KRW-ETH"].candles[-1]
    assert (newest.opening, newest.high, newest.low, newest.closing) == (
        Decimal("1135743004.12345678"),
        Decimal("1135743006.12345678"),
        Decimal("1135743003.12345678"),
        Decimal("1135743005.12345678"),
    )
    assert (newest.volume, newest.value) == (Decimal("0.29606898"), Decimal("40190158.21240000"))


@pytest.mark.parametrize(
    ("options", "minutes"),
    [
        ("", [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        ("--limit 2", [9, 8]),
        ("--from 2026-01-13T09:07", [9, 8, 7]),
        ("--to 2026-01-13T09:02", [1, 0]),
        ("--from 2026-01-13T18:03+09:00 --to 2026-01-13T09:05Z", [4, 3]),
        ("--from 2026-01-13T09:01 --to 2026-01-13T09:09 --limit 1", [8]),
        ("--to 2026-01-13", []),
    ],
)
async def test_only_the_minutes_asked_for_are_shown_newest_first(
    command: Command, admin: Admin, options: str, minutes: list[int]
) -> None:
    await store_candles(admin, "KRW-BTC", list(range(10)))
    await store_candles(admin, "KRW-ETH", list(range(10)))
    ended = await command("candles", "--market", "KRW-BTC", "--json", *options.split())
    assert {row["symbol"] for row in ended.document} <= {"KRW-BTC"}
    assert [row["timestamp"] for row in ended.document] == [
        f"2026-01-13T09:{minute:02}:00Z" for minute in minutes
    ]


async def test_a_program_gets_every_digit(command: Command, admin: Admin) -> None:
    await store_candles(admin, "KRW-BTC", [0], price="135743000.00000001")
    [candle] = (await command("candles", "--json")).document
    assert candle == {
        "symbol": "KRW-BTC",
        "timestamp": "2026-01-13T09:00:00Z",
        "open": "135743000.00000001",
        "high": "135743002.00000001",
        "low": "135742999.00000001",
        "close": "135743001.00000001",
        "volume": "0.29606898",
        "trade_value": "40190158.21240000",
    }


async def test_a_person_gets_numbers_to_read_and_of_several_markets_each_row_names_its_own(
    command: Command, admin: Admin
) -> None:
    await store_candles(admin, "KRW-BTC", [0])
    assert (await command("candles")).out.splitlines() == [
        "Candles of KRW-BTC, newest first (UTC)",
        "minute                   open         high          low        close  volume",
        "2026-01-13 09:00  135,000,000  135,000,002  134,999,999  135,000,001  0.2961",
    ]
    await store_candles(admin, "KRW-ETH", [0])
    rows = (await command("candles")).out.splitlines()[2:]
    assert [row.split()[2] for row in rows] == ["KRW-BTC", "KRW-ETH"]


async def test_twenty_are_shown_and_all_are_exported(command: Command, admin: Admin) -> None:
    await store_candles(admin, "KRW-BTC", list(range(25)))
    assert len((await command("candles", "--json")).document) == 20
    ended = await command("candles", "--export", "my.json", "--json")
    assert ended.document == {"path": "my.json", "candles": {"KRW-BTC": 25}}
    await command("candles", "--export", "my.json", "--limit", "3")
    assert utc(load_recording("my.json").by_market["KRW-BTC"].first_ms) == FIRST + timedelta(minutes=22)


async def test_before_the_first_candle_there_is_nothing_to_export(command: Command, tmp_path: Path) -> None:
    exported = await command("candles", "--export", "my.json")
    assert (exported.code, exported.out) == (1, "")
    assert exported.line == (
        "bongsu: no candle matches, so there is nothing to export; `bongsu candles` shows what is stored\n"
    )
    assert os.listdir(tmp_path) == []


async def test_a_target_that_cannot_be_written_is_named(command: Command, admin: Admin) -> None:
    await store_candles(admin, "KRW-BTC", [0])
    ended = await command("candles", "--export", "no/such/my.json")
    assert (ended.code, ended.out) == (1, "")
    assert ended.line == (
        "bongsu: no/such/my.json cannot be written: No such file or directory; name a file in a folder that"
        " you may write to\n"
    )
