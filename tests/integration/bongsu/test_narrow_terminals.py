"""Tables on a narrow terminal, and colours where they are wanted."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from integration.bongsu.rows import FIRST, store_candles, store_signal
from servers.commands import in_terminal

if TYPE_CHECKING:
    from integration.bongsu.conftest import Admin

Stack = dict[str, str]
STYLE = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
async def _rows(admin: Admin) -> None:
    for market in ("KRW-BTC", "KRW-ETH"):
        await store_candles(admin, market, [0, 1])
        await store_signal(admin, market)
    await admin.execute(
        "INSERT INTO candle_gaps VALUES ('KRW-BTC', $1, $2, 'open', $2, NULL, 'missing')",
        FIRST + timedelta(minutes=5),
        FIRST + timedelta(minutes=6),
    )
    await admin.execute("INSERT INTO system_config (key, value) VALUES ('gemini_timeout_seconds', '20')")


@pytest.mark.usefixtures("_rows")
async def test_on_40_columns_each_field_is_a_line_and_none_is_missing(stack: Stack) -> None:
    ended = await asyncio.to_thread(in_terminal, "signals", columns=40, **stack)
    lines = STYLE.sub("", ended.out).splitlines()
    assert max(map(len, lines)) <= 40
    assert [line.partition(":")[0] for line in lines[1:8]] == [
        *("id", "minute", "market", "signal", "price", "by", "why"),
    ]


@pytest.mark.usefixtures("_rows")
@pytest.mark.parametrize(
    "command", ["signals", "candles", "gaps", "config list", "config history", "version"]
)
async def test_no_table_is_wider_than_80_columns(stack: Stack, command: str) -> None:
    ended = await asyncio.to_thread(in_terminal, *command.split(), columns=80, **stack)
    assert ended.code == 0
    assert max(map(len, STYLE.sub("", ended.out).splitlines())) <= 80


@pytest.mark.parametrize("wish", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
async def test_a_wish_for_no_colours_is_obeyed(stack: Stack, wish: dict[str, str]) -> None:
    plain = await asyncio.to_thread(in_terminal, "version", columns=80, **(stack | wish))
    assert "\x1b" not in plain.out
    assert "\x1b[1mpart" in (await asyncio.to_thread(in_terminal, "version", columns=80, **stack)).out
