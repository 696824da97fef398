"""Status lines of a run, and the end of a replay."""

from __future__ import annotations

from typing import Any

import pytest

from bongsu.stack_status import StackStatus, changes
from bongsu.up.replay_end import end_message, has_decided, is_complete


def _market(code: str = "KRW-BTC", candles: int = 60, minute: int = 17) -> dict[str, Any]:
    return {
        "market": code,
        "newest_candle": {"timestamp": f"2020-02-20T08:{minute}:00Z", "close": "11523000.00000000"},
        "candles": candles,
        "newest_signal": {
            "candle_timestamp": "2020-02-20T08:16:00Z",
            "signal_type": "BUY",
            "confidence": 0.7,
            "source": "rule",
            "cause": "no key",
        },
        "signals": 3,
    }


def _status(*markets: dict[str, Any], status: str = "healthy") -> StackStatus:
    return StackStatus({"status": status, "flaws": []}, {"markets": list(markets)})


def test_only_what_changed_is_said() -> None:
    assert changes(_status(_market()), _status(_market())) == []
    assert changes(_status(_market(minute=17)), _status(_market(minute=18, candles=61))) == [
        "KRW-BTC: candle 2020-02-20T08:18:00Z at 11,523,000, 61 stored"
    ]


def test_a_signal_of_the_rule_says_why_it_spoke() -> None:
    lines = changes(_status(), _status(_market()))
    assert "KRW-BTC: signal BUY 0.7 for 2020-02-20T08:16:00Z (rule, no key)" in lines


def test_a_silent_health_service_is_said() -> None:
    assert changes(_status(), StackStatus()) == ["health: health does not answer"]


def test_each_flaw_is_named() -> None:
    answer = {"status": "unhealthy", "flaws": ["signaler: missing", "database: refused"]}
    assert StackStatus(answer).health == "unhealthy (signaler: missing; database: refused)"


@pytest.mark.parametrize(
    ("last_success_at", "last_error", "decided"),
    [
        (None, None, False),
        (None, "late", False),
        (None, "stale_data", True),
        ("2020-02-20T08:18:02Z", None, True),
        ("2020-02-20T08:18:02Z", "late", True),
    ],
)
def test_a_signaler_has_decided_once_it_made_a_signal_or_knows_too_little(
    last_success_at: str | None, last_error: str | None, *, decided: bool
) -> None:
    job = {"job_name": "signal_generation", "last_success_at": last_success_at, "last_error": last_error}
    status = StackStatus({"services": [{"name": "signaler", "instance": "s", "jobs": [job]}]})
    assert has_decided(status) is decided


def test_no_signaler_has_not_decided() -> None:
    assert not has_decided(StackStatus())


def test_a_recording_has_arrived_when_every_market_has_its_candles() -> None:
    expected = {"KRW-BTC": 60, "KRW-XRP": 2}
    assert not is_complete(_status(_market()), expected)
    assert is_complete(_status(_market(), _market("KRW-XRP", candles=2)), expected)


def test_the_end_of_a_recording_is_said_with_its_counts() -> None:
    assert end_message(_status(_market(candles=59)), {"KRW-BTC": 60}) == (
        "the recording has ended: KRW-BTC 59 of 60 candles, 3 signals; still serving, Ctrl-C stops"
    )
