"""`bongsu gaps`: missing minutes, and a sentence where there are none."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from common.clock import MINUTE
from integration.bongsu.rows import FIRST, store_candles
from servers.commands import in_terminal

if TYPE_CHECKING:
    from integration.bongsu.conftest import Admin, Command


async def store_gap(
    admin: Admin, first: int, end: int, status: str = "open", *, market: str = "KRW-BTC"
) -> None:
    """Store a gap of the minutes [first, end) after FIRST, found after an hour, resolved a minute later."""
    found = FIRST + timedelta(hours=1)
    await admin.execute(
        "INSERT INTO candle_gaps VALUES ($1, $2, $3, $4, $5, $6, $7)",
        market,
        FIRST + first * MINUTE,
        FIRST + end * MINUTE,
        status,
        found,
        None if status == "open" else found + MINUTE,
        "missing" if status == "open" else "upbit",
    )


@pytest.fixture
async def _three(admin: Admin) -> None:
    await store_candles(admin, "KRW-BTC", [0, 100])
    await store_gap(admin, 10, 12, "repaired")
    await store_gap(admin, 20, 30)
    await store_gap(admin, 40, 45, "confirmed_empty")


@pytest.mark.usefixtures("_three")
async def test_a_person_sees_the_sum_and_the_gaps_newest_first(command: Command) -> None:
    ended = await command("gaps")
    assert (ended.code, ended.err) == (0, "")
    assert [re.sub(r" {2,}", "|", line) for line in ended.out.splitlines()] == [
        "KRW-BTC: 10 minutes open, 2 repaired, 5 confirmed empty",
        "",
        "Gaps of KRW-BTC, newest first (UTC)",
        "from|to|minutes|status|detected|resolved|evidence",
        "2026-01-13 09:40|2026-01-13 09:45|5|confirmed_empty|2026-01-13 10:00|2026-01-13 10:01|upbit",
        "2026-01-13 09:20|2026-01-13 09:30|10|open|2026-01-13 10:00|missing",
        "2026-01-13 09:10|2026-01-13 09:12|2|repaired|2026-01-13 10:00|2026-01-13 10:01|upbit",
    ]


@pytest.mark.usefixtures("_three")
async def test_a_program_gets_every_field(command: Command, admin: Admin) -> None:
    await store_gap(admin, 7, 8, market="KRW-ETH")
    assert (await command("gaps", "--status", "open", "--json")).document == {
        "markets": [
            {
                "market": "KRW-BTC",
                "open_minutes": 10,
                "repaired_minutes": 2,
                "confirmed_empty_minutes": 5,
            },
            {"market": "KRW-ETH", "open_minutes": 1, "repaired_minutes": 0, "confirmed_empty_minutes": 0},
        ],
        "gaps": [
            {
                "market": market,
                "from_time": f"2026-01-13T09:{first}:00Z",
                "to_time": f"2026-01-13T09:{end}:00Z",
                "minutes": minutes,
                "status": "open",
                "detected_at": "2026-01-13T10:00:00Z",
                "resolved_at": None,
                "evidence": "missing",
            }
            for market, first, end, minutes in [("KRW-BTC", "20", "30", 10), ("KRW-ETH", "07", "08", 1)]
        ],
    }


@pytest.mark.usefixtures("_three")
@pytest.mark.parametrize(
    ("options", "begins", "sums"),
    [
        ("", [40, 20, 10], (10, 2, 5)),
        ("--limit 1", [40], (10, 2, 5)),
        ("--status repaired", [10], (10, 2, 5)),
        ("--from 2026-01-13T09:30", [40], (0, 0, 5)),
        ("--from 2026-01-13T09:29 --to 2026-01-13T09:40", [20], (1, 0, 0)),
        ("--to 2026-01-13T18:11+09:00", [10], (0, 1, 0)),
        ("--from 2026-01-13T09:22 --to 2026-01-13T09:24 --status open", [20], (2, 0, 0)),
    ],
)
async def test_only_what_reaches_into_the_time_asked_for_is_shown_and_only_that_is_summed_up(
    command: Command, options: str, begins: list[int], sums: tuple[int, int, int]
) -> None:
    document = (await command("gaps", "--market", "KRW-BTC", "--json", *options.split())).document
    assert [gap["from_time"] for gap in document["gaps"]] == [f"2026-01-13T09:{at}:00Z" for at in begins]
    [found] = document["markets"]
    assert tuple(list(found.values())[1:]) == sums


async def test_each_market_has_its_own_sum(command: Command, admin: Admin) -> None:
    await store_gap(admin, 10, 1510)
    await store_gap(admin, 10, 11, "confirmed_empty", market="KRW-ETH")
    assert (await command("gaps")).out.splitlines()[:2] == [
        "KRW-BTC: 1,500 minutes open, 0 repaired, 0 confirmed empty",
        "KRW-ETH: 0 minutes open, 0 repaired, 1 confirmed empty",
    ]
    assert [line.split()[0] for line in (await command("gaps")).out.splitlines()[4:]] == [
        "market",
        "KRW-BTC",
        "KRW-ETH",
    ]


async def test_where_no_gap_is_open_nothing_is_missing(command: Command, admin: Admin) -> None:
    await store_candles(admin, "KRW-BTC", [0])
    assert (await command("gaps")).out == "nothing is missing\n"
    assert (await command("gaps", "--json")).document == {"markets": [], "gaps": []}
    await store_gap(admin, 10, 12, "repaired")
    assert (await command("gaps")).out.splitlines()[:2] == [
        "KRW-BTC: 0 minutes open, 2 repaired, 0 confirmed empty",
        "nothing is missing",
    ]


async def test_a_status_that_no_gap_has_differs_from_nothing_missing(command: Command, admin: Admin) -> None:
    await store_gap(admin, 10, 12)
    assert (await command("gaps", "--status", "repaired")).out.splitlines() == [
        "KRW-BTC: 2 minutes open, 0 repaired, 0 confirmed empty",
        "no gap matches",
    ]


@pytest.mark.usefixtures("_three")
async def test_a_terminal_of_80_columns_gets_every_column(stack: dict[str, str]) -> None:
    ended = await asyncio.to_thread(in_terminal, "gaps", columns=80, **stack)
    plain = re.sub(r"\x1b\[\d*m", "", ended.out)
    assert max(map(len, plain.splitlines())) <= 80
    heading, dates, times = (line.split() for line in plain.splitlines()[3:6])
    assert heading == ["from", "to", "minutes", "status", "detected", "resolved", "evidence"]
    assert (dates.count("2026-01-13"), times[:2], times[-2:]) == (4, ["09:40", "09:45"], ["10:00", "10:01"])
