"""Output for people, for programs, and for narrow and odd terminals."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bongsu.output import number, one_line, print_json, print_table


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
