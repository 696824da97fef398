from __future__ import annotations

import json
import types
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from common.clock import MINUTE
from common.events import (
    EVENTS,
    CandlesClosed,
    ConfigChanged,
    Event,
    InstanceState,
    SignalGenerated,
    TickerUpdated,
)
from unit.common.pages import ANSWERED, NINE, candle, page


@given(amount=st.decimals(min_value=0, max_value=10**12, places=8))
def test_numbers_go_over_the_bus_as_text_and_lose_nothing(amount: Decimal) -> None:
    document = json.loads(page(candle(volume=amount)).model_dump_json())
    (sent,) = document["candles"]
    assert isinstance(sent["volume"], str)
    assert Decimal(sent["volume"]) == amount
    assert CandlesClosed.model_validate(document).candles[0].volume == amount


def test_the_same_page_published_twice_has_one_id() -> None:
    first = page(candle(0), candle(1))
    again = page(candle(0), candle(1), collected_at=ANSWERED + MINUTE)
    assert first.message_id() == again.message_id()
    assert first.message_id().startswith("KRW-BTC:")


@pytest.mark.parametrize(
    "other",
    [
        page(candle(0), candle(1, close=Decimal(95150001))),
        page(candle(0), candle(2)),
        page(candle(0)),
        page(candle(0), candle(1), minutes=6),
        page(candle(0), candle(1), market="KRW-ETH"),
    ],
    ids=["value", "time", "fewer", "range", "market"],
)
def test_a_page_with_other_times_or_values_has_another_id(other: CandlesClosed) -> None:
    assert page(candle(0), candle(1)).message_id() != other.message_id()


def test_a_repair_page_is_no_repeat_of_the_page_it_repairs() -> None:
    first, repair = page(candle(0)), page(candle(0), repair_run_id="5f0c")
    assert repair.message_id() == f"{first.message_id()}:repair:5f0c"


def test_a_signal_and_a_setting_name_themselves() -> None:
    signal = SignalGenerated(
        signal_id="0b8c",
        market="KRW-BTC",
        candle_timestamp=NINE,
        signal_type="BUY",
        confidence=1,
        reasoning="",
        source="gemini",
        cause=None,
        price_at_signal=Decimal(95123000),
        created_at=NINE,
    )
    assert signal.message_id() == "0b8c"
    assert ConfigChanged(key="markets", revision=7, changed_by="me").message_id() == "markets:7"
    for confidence in (-0.01, 1.01, float("nan")):
        with pytest.raises(ValidationError, match="confidence"):
            SignalGenerated.model_validate(signal.model_dump() | {"confidence": confidence})


def test_a_ticker_is_never_stored() -> None:
    ticker = TickerUpdated(market="KRW-BTC", price=Decimal(95123000), exchange_time=NINE)
    assert (ticker.stream, ticker.message_id()) == (None, None)


@pytest.mark.parametrize("missing", ["subject", "stream", "senders", "readers"])
def test_an_event_that_does_not_say_who_sends_and_reads_it_cannot_be_defined(missing: str) -> None:
    declared = {"subject": "order.filled", "stream": None, "senders": ["collector"], "readers": ["health"]}
    del declared[missing]
    with pytest.raises(TypeError, match=missing):
        types.new_class("OrderFilled", (Event,), declared)


@pytest.mark.parametrize("whose", ["senders", "readers", "stream_readers"])
def test_an_event_names_only_users_that_there_are(whose: str) -> None:
    declared = {"subject": "order.filled", "stream": None, "senders": ["collector"], "readers": ["health"]}
    with pytest.raises(TypeError, match="OrderFilled: trader is no user of NATS"):
        types.new_class("OrderFilled", (Event,), {**declared, whose: ["trader"]})


def test_every_event_is_known_and_only_an_event() -> None:
    assert {event.__name__ for event in EVENTS} >= {"CandlesClosed", "ServiceHeartbeat", "ComponentReport"}
    assert not issubclass(InstanceState, Event)
