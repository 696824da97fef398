from __future__ import annotations

from health.notifications import messages
from health.schemas import HealthSummary
from unit.health.facts import NOW


def summary(status: str, *flaws: str) -> HealthSummary:
    return HealthSummary.model_validate(
        {"status": status, "timestamp": NOW, "version": "0.1.0", "flaws": flaws}
    )


def test_a_change_names_both_states_the_time_and_each_flaw() -> None:
    notification = messages.of_change(
        "unhealthy", summary("unhealthy", "collector: missing", "a", "b"), "healthy"
    )
    assert notification.text == (
        "Bongsu is unhealthy (was healthy), 2026-03-11T14:00:00Z\n- collector: missing\n- a\n- b"
    )
    assert (notification.status, notification.dead_sequence) == ("unhealthy", None)


def test_of_many_flaws_the_first_are_listed() -> None:
    flaws = [f"flaw {number}" for number in range(9)]
    notification = messages.of_change("degraded", summary("degraded", *flaws), None)
    assert notification.text.count("- flaw") == 6
    assert notification.text.endswith("- and 3 more; GET /health lists them")


def test_a_state_that_comes_and_goes_says_so() -> None:
    notification = messages.of_change("unhealthy", summary("healthy"), "healthy")
    assert notification.text.startswith("Bongsu is unhealthy, on and off (was healthy), ")


def test_a_dead_message_tells_where_why_and_what_to_type_and_no_secret() -> None:
    headers = {"Bongsu-Reason": "PermanentError: api_key=abcdef0123456789"}
    notification = messages.of_dead("dead.market.candle.closed.KRW-BTC", 12, headers, NOW)
    assert notification.text == (
        "Bongsu: dead letter 12 of market.candle.closed.KRW-BTC, 2026-03-11T14:00:00Z\n"
        "- PermanentError: api_key=***\n- bongsu dead show 12"
    )
    assert notification.dead_sequence == 12


def test_one_that_was_put_there_by_hand_has_no_reason() -> None:
    assert "no reason given" in messages.of_dead("dead.x", 1, {}, None).text


def test_no_notification_is_longer_than_a_messenger_takes() -> None:
    endless = messages.of_dead("dead.x", 1, {"Bongsu-Reason": "word " * 5000}, NOW)
    assert len(endless.text) == messages.MAX_CHARACTERS
