"""End of a replay: when a recording counts as arrived, and what is said of it."""

from __future__ import annotations

import pytest

from bongsu.database.queries import MarketCounts
from bongsu.stack_status import StackStatus
from bongsu.up.replay_end import end_message, has_decided, is_complete


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
    counts = {"KRW-BTC": MarketCounts(60, 0, 0)}
    assert not is_complete(counts, expected)
    assert not is_complete(counts | {"KRW-XRP": MarketCounts(1, 0, 0)}, expected)
    assert is_complete(counts | {"KRW-XRP": MarketCounts(2, 0, 0)}, expected)


def test_the_end_of_a_recording_is_said_with_its_counts() -> None:
    assert end_message({"KRW-BTC": MarketCounts(59, 3, 0)}, {"KRW-BTC": 60, "KRW-XRP": 2}) == (
        "the recording has ended: KRW-BTC 59 of 60 candles, KRW-XRP 0 of 2 candles, 3 signals;"
        " still serving, Ctrl-C stops"
    )
