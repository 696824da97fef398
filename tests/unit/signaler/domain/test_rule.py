"""The rule that speaks where Gemini does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaler.domain.rule import collect_votes, rule_answer
from unit.signaler.market import snapshot_of, wavy_closes

closes = st.lists(st.integers(1_000_000, 200_000_000), min_size=50, max_size=120)


@pytest.mark.parametrize(("direction", "action"), [(1, "BUY"), (-1, "SELL")])
def test_a_rise_that_speeds_up_is_a_buy_and_a_fall_a_sell(direction: int, action: str) -> None:
    # Two steps up and one down keep the RSI below overbought; the steps grow.
    moves = [n * 20_000 + n * n * 40 + (n % 3) * 60_000 for n in range(300)]
    answer = rule_answer(snapshot_of([100_000_000 + direction * move for move in moves]))
    assert answer.action == action
    assert answer.confidence >= 0.6


def test_a_price_that_never_moved_is_a_hold_with_every_voice_neutral() -> None:
    answer = rule_answer(snapshot_of([95_000_000] * 60))
    assert answer.action == "HOLD"
    assert "RSI" not in answer.reasoning


def test_too_few_indicators_are_said_in_words() -> None:
    assert "no indicator" in rule_answer(snapshot_of([100])).reasoning


@given(closes)
def test_the_same_snapshot_gives_the_same_answer(prices: list[int]) -> None:
    assert rule_answer(snapshot_of(prices)) == rule_answer(snapshot_of(prices))


@given(closes)
def test_the_action_follows_the_balance_of_the_votes(prices: list[int]) -> None:
    snapshot = snapshot_of(prices)
    balance = sum(vote.direction for vote in collect_votes(snapshot))
    answer = rule_answer(snapshot)
    assert 0.5 <= answer.confidence <= 1
    if answer.action != "HOLD":
        assert (answer.action == "BUY") == (balance > 0)


def test_the_reasoning_names_every_voice() -> None:
    snapshot = snapshot_of(wavy_closes(1500))
    reasoning = rule_answer(snapshot).reasoning
    assert all(vote.says in reasoning for vote in collect_votes(snapshot))
