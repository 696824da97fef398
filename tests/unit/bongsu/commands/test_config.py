"""Invalid values of settings are refused in one line, before any server is asked."""

from __future__ import annotations

import pytest

from bongsu.invocation import run
from common.config.keys import REGISTRY

WHOLE = [
    "",
    " ",
    "-5",
    "1.5",
    "3.0",
    "1e1",
    "1_000",
    "1,5",
    "０",
    "٥",
    "+5",
    "0x10",
    "5 x",
    "5,",
    "999999999",
]
NO_NUMBER = ["NaN", "Infinity", "-Infinity", "1e400", "null", "true", '"5"', "[]", "[5]", "{}", "다섯", "📈"]
RUBBISH = {
    "backfill_days": [*WHOLE, *NO_NUMBER, "366", "9" * 5000, "[" * 5000],
    "gemini_daily_request_budget": ["1000001"],
    "signal_interval_minutes": ["0", "1441"],
    "signal_min_confidence": [*NO_NUMBER, "", "1.01", "-0.1", "0,5", "0.5.5", "½", "60%"],
    "gemini_daily_cost_budget_usd": [
        *NO_NUMBER[:6],
        "",
        "1,5",
        "-1",
        "10000.01",
        "$1",
        "1.5 USD",
        "1_0",
        "５",
        " 5 ",
        "+5",
    ],
    "trading_enabled": ["", "yes", "True", "1", "0", '"true"', "null", "true false"],
    "gemini_model": ["", " ", "null", "5", "true", "gemini 3", "Gemini", "제미니", "a" * 62, "x\ny", "[]"],
    "markets": [
        "",
        "KRW-BTC",
        "[KRW-BTC]",
        "[]",
        '["krw-btc"]',
        '["KRW-BTC",]',
        '"KRW-BTC"',
        "{}",
        "null",
        '["KRW-BTC", "KRW-BTC"]',
    ],
    "gemini_fallback_models": ["gemini", "[null]", "[1]", '["gemini-3", ""]'],
}
SECRETS = {
    "gemini_model": [
        "AIzaSyA1234567890-hunter2-hunter2",
        "AQ.hunter2hunter2hunter2",
        "api_key=hunter2hunter2",
    ],
    "markets": ['["eyJhbGciOiJIUzI1NiJ9.hunter2hunter2"]', '{"secret_key": "hunter2hunter2"}'],
}


@pytest.fixture(autouse=True)
def _nothing_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever asks a server ends with 69, and not as these have to."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://bongsu_admin@127.0.0.1:9/bongsu")
    monkeypatch.setenv("NATS_URL", "nats://127.0.0.1:9")


@pytest.mark.parametrize(("key", "value"), [(key, value) for key in RUBBISH for value in RUBBISH[key]])
def test_rubbish_is_refused_with_the_key_and_its_rule(key: str, value: str) -> None:
    code, message = run(["config", "set", key, value])
    assert code == 2
    assert message.startswith(f"{key}: must be {REGISTRY[key].rule}")
    assert "\n" not in message


@pytest.mark.parametrize(("key", "value"), [(key, value) for key in SECRETS for value in SECRETS[key]])
def test_a_secret_is_refused_and_never_shown(key: str, value: str) -> None:
    code, message = run(["config", "set", key, value])
    assert code == 2
    assert message == f"{key}: looks like a secret; secrets go into the environment, not into settings"


def test_a_megabyte_is_refused_without_being_printed() -> None:
    code, message = run(["config", "set", "gemini_model", "x" * 1_000_000])
    assert code == 2
    assert message.startswith(f"gemini_model: must be {REGISTRY['gemini_model'].rule}")
    assert len(message) < 200


def test_a_list_that_lost_its_quotes_to_the_shell_comes_with_the_command_to_type() -> None:
    _, message = run(["config", "set", "markets", "[KRW-BTC]"])
    assert message.endswith("""; quote it for the shell: bongsu config set markets '["KRW-BTC"]'""")


@pytest.mark.parametrize("command", [["get"], ["set", "5"]])
@pytest.mark.parametrize("key", ["backfill_day", "backfil_days", "backfill-days"])
def test_a_key_with_a_slip_is_answered_with_the_right_one(command: list[str], key: str) -> None:
    code, message = run(["config", command[0], key, *command[1:]])
    assert code == 2
    assert message == f"unknown key '{key}'; did you mean 'backfill_days'?"


@pytest.mark.parametrize("key", ["", "잔고", "x" * 5000, "a\nb"])
def test_a_key_like_no_other_is_answered_with_all_there_are(key: str) -> None:
    code, message = run(["config", "set", key, "5"])
    assert code == 2
    assert message.startswith("unknown key ")
    assert message.endswith(f"; known are {', '.join(REGISTRY)}")
    assert "\n" not in message
    assert len(message) < 500
