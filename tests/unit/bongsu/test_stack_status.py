"""Status lines of a run: only what changed, with its reason."""

from __future__ import annotations

from typing import Any

from bongsu.stack_status import StackStatus, changes


def _market(code: str = "KRW-BTC", minute: int = 17) -> dict[str, Any]:
    return {
        "market": code,
        "newest_candle": {"timestamp": f"2020-02-20T08:{minute}:00Z", "close": "11523000.00000000"},
        "newest_signal": {
            "candle_timestamp": "2020-02-20T08:16:00Z",
            "signal_type": "BUY",
            "confidence": 0.7,
            "source": "rule",
            "cause": "no key",
        },
    }


def _status(*markets: dict[str, Any], status: str = "healthy") -> StackStatus:
    return StackStatus({"status": status, "flaws": []}, {"markets": list(markets)})


def test_only_what_changed_is_said() -> None:
    assert changes(_status(_market()), _status(_market())) == []
    assert changes(_status(_market(minute=17)), _status(_market(minute=18))) == [
        "KRW-BTC: candle 2020-02-20T08:18:00Z at 11,523,000"
    ]


def test_a_signal_of_the_rule_says_why_it_spoke() -> None:
    lines = changes(_status(), _status(_market()))
    assert "KRW-BTC: signal BUY 0.7 for 2020-02-20T08:16:00Z (rule, no key)" in lines


def test_a_silent_health_service_is_said() -> None:
    assert changes(_status(), StackStatus()) == ["health: health does not answer"]


def test_each_flaw_is_named() -> None:
    answer = {"status": "unhealthy", "flaws": ["signaler: missing", "database: refused"]}
    assert StackStatus(answer).health == "unhealthy (signaler: missing; database: refused)"
