"""`bongsu signals`: decisions and their reasons, on every terminal."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from integration.bongsu.rows import store_signal
from servers.commands import bongsu, in_terminal

if TYPE_CHECKING:
    from integration.bongsu.conftest import Admin, Command

Stack = dict[str, str]
KOREAN = "상승 추세이고 거래량이 늘었다"


async def test_on_a_terminal_that_knows_no_korean_a_program_gets_every_field_and_a_person_a_table(
    stack: Stack, admin: Admin
) -> None:
    await store_signal(admin, reasoning=KOREAN + " 📈", cause="no_key: GEMINI_API_KEY is not set")
    terminal = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", **stack}
    ended = await asyncio.to_thread(bongsu, "signals", "--json", **terminal)
    assert (ended.code, ended.err) == (0, "")
    [signal] = ended.document
    assert signal["reasoning"] == KOREAN + " 📈"
    assert signal["price_at_signal"] == "135722000.00000000"
    assert signal["candle_timestamp"] == "2026-01-13T09:00:00Z"
    assert (signal["source"], signal["cause"]) == ("rule", "no_key: GEMINI_API_KEY is not set")
    await admin.execute("UPDATE trading_signals SET reasoning = $1", KOREAN)
    ended = await asyncio.to_thread(bongsu, "signals", **terminal)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.encode("ascii").decode("unicode_escape").rstrip().endswith(KOREAN)


async def test_on_a_narrow_terminal_only_the_reason_is_broken_into_lines(stack: Stack, admin: Admin) -> None:
    await store_signal(
        admin, reasoning="[/x] The price is 135722000 KRW; trend, momentum and volatility agree."
    )
    ended = await asyncio.to_thread(in_terminal, "signals", columns=72, **stack)
    assert ended.code == 0
    lines = re.sub(r"\x1b\[[0-9;]*m", "", ended.out).splitlines()
    assert max(map(len, lines)) <= 72
    assert lines[0] == "Signals of KRW-BTC, newest first (UTC)"
    assert "  2026-01-13 09:00  BUY  0.7  135,722,000  gemini  [/x] The" in lines[2]
    assert "volatility agree." in " ".join(line.strip() for line in lines)


async def test_in_a_pipe_there_are_no_colours_and_each_signal_is_a_line(
    command: Command, admin: Admin
) -> None:
    await store_signal(admin, minute=0)
    await store_signal(admin, minute=1, reasoning="long " * 200, cause="out_of_time: no time is left")
    ended = await command("signals")
    assert "\x1b" not in ended.out
    newest, older = ended.out.splitlines()[2:]
    assert newest[8:].startswith("  2026-01-13 09:01")
    assert "rule    out_of_time: no time is left; long long" in newest
    assert newest.endswith(" …")
    assert older[8:].startswith("  2026-01-13 09:00")


async def test_only_the_market_and_the_number_asked_for_are_shown(command: Command, admin: Admin) -> None:
    assert (await command("signals", "--json")).document == []
    for minute in range(3):
        await store_signal(admin, "KRW-BTC", minute=minute)
        await store_signal(admin, "KRW-ETH", minute=minute)
    ended = await command("signals", "--market", "KRW-ETH", "--limit", "2", "--json")
    assert [(row["symbol"], row["candle_timestamp"][14:16]) for row in ended.document] == [
        ("KRW-ETH", "02"),
        ("KRW-ETH", "01"),
    ]


async def test_one_signal_is_shown_whole_by_the_beginning_of_its_id(command: Command, admin: Admin) -> None:
    await store_signal(admin, reasoning="RSI 14 is 59.")
    await admin.execute(
        "UPDATE trading_signals SET snapshot = $1, request = $2, response = 'cut off {', trace_id = 'abc'",
        '{"price": 135722000, "indicators": {"rsi_14": 59.25}}',
        '{"contents": [{"parts": [{"text": "Decide"}]}], "api_key": "hunter2secret"}',
    )
    [row] = (await command("signals", "--json")).document
    ended = await command("signals", "show", row["id"][:8].upper())
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"Signal {row['id']}\n")
    for text in (
        "\ntrace_id          abc\n",
        '"rsi_14": 59.25',
        '"text": "Decide"',
        "\nresponse:\ncut off {\n",
    ):
        assert text in ended.out
    assert "hunter2" not in ended.out
    document = (await command("signals", "show", row["id"], "--json")).document
    assert document["snapshot"]["indicators"] == {"rsi_14": 59.25}
    assert (document["response"], document["prompt_version"]) == ("cut off {", "1")


async def test_an_id_of_no_signal_or_of_several_is_refused(command: Command, admin: Admin) -> None:
    for minute in range(2):
        await store_signal(admin, minute=minute)
    await admin.execute(
        "UPDATE trading_signals SET id = ('abcd0000-0000-4000-8000-00000000000' || extract(minute FROM"
        " candle_timestamp)::int)::uuid"
    )
    several = await command("signals", "show", "abcd")
    assert (several.code, several.line) == (
        1,
        "bongsu: the ids of several signals begin with abcd; give more of it\n",
    )
    unknown = await command("signals", "show", "abce", "--json")
    assert (unknown.code, unknown.out) == (1, "")
    assert unknown.line.startswith("bongsu: no signal's id begins with abce; `bongsu signals` shows")
