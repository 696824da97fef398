from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from gemini_simulator.decision import opinion_of

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


def test_an_oversold_market_is_bought_and_an_overbought_one_sold() -> None:
    assert opinion_of("the RSI is rsi: 20.5").action == "BUY"
    assert opinion_of("the RSI is rsi_14=85").action == "SELL"


def test_a_deeply_nested_prompt_ends() -> None:
    assert opinion_of("{" * 100_000).action == "HOLD"
