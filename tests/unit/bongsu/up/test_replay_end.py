"""End of a replay: when a recording counts as arrived, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bongsu.stack_status import StackStatus
from bongsu.up.replay_end import end_message, has_decided, is_complete


def _status(candles: Mapping[str, int], signals: int = 0) -> StackStatus:
    markets = [{"market": code, "candles": count, "signals": signals} for code, count in candles.items()]
    return StackStatus({}, {"markets": markets})


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
    assert not is_complete(_status({"KRW-BTC": 60}), expected)
    assert is_complete(_status({"KRW-BTC": 60, "KRW-XRP": 2}), expected)


def test_the_end_of_a_recording_is_said_with_its_counts() -> None:
    assert end_message(_status({"KRW-BTC": 59}, signals=3), {"KRW-BTC": 60}) == (
        "the recording has ended: KRW-BTC 59 of 60 candles, 3 signals; still serving, Ctrl-C stops"
    )
