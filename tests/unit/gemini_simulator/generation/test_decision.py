import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_simulator.generation.decision import opinion_of, other_opinion, question_in

numbers = st.one_of(st.none(), st.floats(), st.integers(), st.text(max_size=5), st.booleans())
INDICATORS = (
    "rsi_14",
    "macd_histogram",
    "atr_14",
    "bollinger_upper",
    "bollinger_lower",
    "ema_9",
    "ema_21",
    "ema_50",
)
RISING: dict[str, dict[str, float]] = {
    "indicators": {"rsi_14": 50, "macd_histogram": 9, "ema_9": 3, "ema_21": 2, "ema_50": 1},
    "changes": {"1h": 0.02},
}


@given(
    st.fixed_dictionaries(
        {
            "price": numbers,
            "indicators": st.fixed_dictionaries(dict.fromkeys(INDICATORS, numbers)),
            "changes": st.one_of(st.none(), st.dictionaries(st.sampled_from(["1h", "4h"]), numbers)),
        }
    ),
    st.text(max_size=40),
)
def test_any_snapshot_gets_an_opinion_and_always_the_same(snapshot: dict[str, object], words: str) -> None:
    prompt = f"{words} {json.dumps(snapshot)} {words}"
    opinion = opinion_of(prompt)
    assert opinion.action in ("BUY", "SELL", "HOLD")
    assert 0 <= opinion.confidence <= 1
    assert opinion_of(prompt) == opinion


@given(st.text())
def test_any_text_gets_an_opinion(text: str) -> None:
    assert opinion_of(text).action in ("BUY", "SELL", "HOLD")


@pytest.mark.parametrize(
    ("prompt", "action"),
    [
        ("the RSI is rsi: 20.5", "BUY"),
        ("the RSI is rsi_14=85", "SELL"),
        # A word that has rsi in it is no figure, and a prompt nested without end ends.
        ('"version": 1', "HOLD"),
        ("{" * 100_000, "HOLD"),
    ],
    ids=["oversold", "overbought", "no figure", "nested"],
)
def test_an_oversold_market_is_bought_and_an_overbought_one_sold(prompt: str, action: str) -> None:
    assert opinion_of(prompt).action == action


@pytest.mark.parametrize("indicators", [{}, dict.fromkeys(INDICATORS)])
def test_where_no_figure_is_known_it_holds_and_is_unsure(indicators: dict[str, None]) -> None:
    opinion = opinion_of(json.dumps({"price": 134000000, "indicators": indicators}))
    assert (opinion.action, opinion.confidence) == ("HOLD", 0.2)
    assert "no market figures" in opinion.reasoning


def test_the_fewer_figures_are_known_the_less_sure_it_is() -> None:
    unknown_averages = {"indicators": {"rsi_14": 50, "macd_histogram": 9}, "changes": {"1h": 0.02}}
    one_figure = {"indicators": {"macd_histogram": 9}}
    opinions = [opinion_of(json.dumps(snapshot)) for snapshot in (RISING, unknown_averages, one_figure)]
    assert [opinion.action for opinion in opinions] == ["BUY"] * 3
    confidences = [opinion.confidence for opinion in opinions]
    assert confidences == sorted(confidences, reverse=True)
    assert confidences[-1] < 0.5 < confidences[0]


@pytest.mark.parametrize(
    ("turns", "question"),
    [
        (("rsi: 20", "rsi: 90"), "rsi: 90"),
        (('{"indicators": {"rsi_14": 20}}', "That answer cannot be used: action: must be text."), None),
        (("rsi: 20", '{"indicators": {}}'), '{"indicators": {}}'),
        (("hello", "what now?"), "hello"),
        ((), ""),
    ],
)
def test_the_newest_turn_with_figures_is_the_question(turns: tuple[str, ...], question: str | None) -> None:
    assert question_in(turns) == (turns[0] if question is None else question)


def test_another_opinion_is_never_the_same_twice_in_a_row() -> None:
    plain = opinion_of(json.dumps(RISING))
    others = [other_opinion(plain, turn) for turn in range(3)]
    assert [opinion.action for opinion in others] == ["SELL", "HOLD", "SELL"]
    assert "lean to the downside" in others[0].reasoning
