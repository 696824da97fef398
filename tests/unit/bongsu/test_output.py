"""Output for people, for programs, and for narrow and odd terminals."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bongsu import invocation
from bongsu.output import note, number, one_line, print_json, print_table, say
from common.masking import register_secret

CANARY = "canary-Value-8841-of-the-command"
TEXT = f"refused with api_key={CANARY}"


def test_json_keeps_every_digit_and_writes_times_in_utc(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"price": Decimal("135743000.00000000"), "at": datetime(2026, 1, 13, 9, 59, tzinfo=UTC)})
    assert json.loads(capsys.readouterr().out) == {
        "price": "135743000.00000000",
        "at": "2026-01-13T09:59:00Z",
    }


def test_without_a_terminal_a_row_is_one_line_however_long(capsys: pytest.CaptureFixture[str]) -> None:
    reason = "because " * 100
    print_table("Signals", ("signal", "why"), [("BUY", reason), ("SELL", "short")])
    assert capsys.readouterr().out.splitlines() == [
        "Signals",
        "signal  why",
        f"BUY     {reason.rstrip()}",
        "SELL    short",
    ]


def test_numbers_stand_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("KRW-BTC", Decimal("135743000.0000")), ("KRW-XRP", Decimal("3128.50"))]
    print_table("Prices", ("market", "price"), rows, wrapped=0)
    assert capsys.readouterr().out.splitlines()[2:] == ["KRW-BTC  135,743,000", "KRW-XRP      3,128.5"]


def test_text_of_a_model_is_shown_and_never_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    text = "[/x] [bold]up[/bold] :smile:\x1b[2J\nBUY ALL\x07\x9b31m"
    print_table("Signals", ("why",), [(text,)])
    assert capsys.readouterr().out.splitlines()[2] == "[/x] [bold]up[/bold] :smile: [2J BUY ALL 31m"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("0E-8"), "0"),
        (Decimal("0.29606898"), "0.29606898"),
        ("135722000.00000000", "135,722,000"),
        (4210, "4,210"),
        ("much", "much"),
        (None, "None"),
    ],
)
def test_a_number_has_no_zeros_at_its_end(value: object, shown: str) -> None:
    assert number(value) == shown


def test_one_line_is_one_line() -> None:
    assert one_line("a\r\nb\u2028c\x00d") == "a b c d"


def test_no_way_of_printing_prints_a_secret(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"error": TEXT, "rows": [{"balance": 48735012, "price": 95123000}]})
    printed = capsys.readouterr().out
    assert json.loads(printed) == {
        "error": "refused with api_key=***",
        "rows": [{"balance": "***", "price": 95123000}],
    }
    print_table("jobs", ("job", "error"), [("data_collection", TEXT)])
    say(TEXT)
    note(TEXT)
    written = capsys.readouterr()
    assert CANARY not in written.out + written.err
    assert written.out.count("api_key=***") == 2
    assert written.err == "bongsu: refused with api_key=***\n"


def test_no_message_of_a_command_that_fails_holds_a_secret() -> None:
    register_secret(CANARY)
    code, message = invocation.run([f"--{CANARY}"])
    assert code == 2
    assert CANARY not in message
    assert "***" in message
