"""Output of commands holds no secret."""

from __future__ import annotations

import json

import pytest

from bongsu import invocation
from bongsu.output import note, print_json, print_table, say
from common.masking import register_secret

CANARY = "canary-Value-8841-of-the-command"
TEXT = f"refused with api_key={CANARY}"


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
