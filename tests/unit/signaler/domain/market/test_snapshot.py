"""Indicators and the snapshot that is stored."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.clock import MINUTE
from common.events import Candle
from signaler.domain.market.indicators import compute_changes, compute_indicators
from signaler.domain.market.snapshot import Snapshot
from unit.signaler.market import NOON, candle, candles_until, snapshot_of, wavy_closes

prices = st.integers(1, 10**9) | st.decimals("0.0001", "9999", places=4).map(float)


def test_a_long_look_back_has_every_indicator() -> None:
    figures = dict(compute_indicators(candles_until(NOON, wavy_closes(1500))))
    assert all(isinstance(value, float) for value in figures.values())


def test_an_ema_of_a_straight_line_lags_it_by_four_steps_for_period_nine() -> None:
    figures = compute_indicators(candles_until(NOON, range(1000, 1500)))
    assert figures.ema_9 == pytest.approx(1499 - 4)
    assert figures.rsi_14 == 100.0
    assert figures.atr_14 == pytest.approx(1)


def test_bollinger_bands_are_two_deviations_around_the_mean_of_twenty() -> None:
    closes = [100, 102] * 30
    figures = compute_indicators(candles_until(NOON, closes))
    assert figures.bollinger_middle == 101
    assert figures.bollinger_upper == pytest.approx(103)
    assert figures.bollinger_lower == pytest.approx(99)


@pytest.mark.parametrize(
    ("candles", "unknown"),
    [
        # A price that never moved, too few candles, and a recording without volume.
        (candles_until(NOON, [95_000_000] * 60), {"rsi_14"}),
        (candles_until(NOON, wavy_closes(21)), {"macd", "ema_50"}),
        ([candle(NOON - n * MINUTE, 100 + n, volume=0) for n in range(60, 0, -1)], {"volume_ratio"}),
    ],
)
def test_a_figure_that_cannot_be_computed_is_null_and_not_zero(
    candles: Sequence[Candle], unknown: set[str]
) -> None:
    figures = compute_indicators(candles)
    assert unknown <= {name for name, figure in figures if figure is None}
    assert figures.ema_21 is not None


def test_the_volume_ratio_is_the_last_volume_over_the_mean_of_twenty_before() -> None:
    traded = [candle(NOON - n * MINUTE, 100, volume=2) for n in range(40, 1, -1)]
    assert compute_indicators([*traded, candle(NOON - MINUTE, 100, volume=5)]).volume_ratio == 2.5


def test_changes_go_by_time_and_not_by_the_number_of_candles() -> None:
    sparse = [candle(NOON - n * 10 * MINUTE, 200 - n) for n in range(60, 0, -1)]
    changes = compute_changes(sparse, NOON)
    # One hour before noon: the newest candle closed by 11:00 opened at 10:50, seven steps back.
    assert changes.hour_1 == pytest.approx(199 / 193 - 1)
    assert changes.hour_24 is None


def test_the_snapshot_has_exactly_the_agreed_keys() -> None:
    document = json.loads(snapshot_of(wavy_closes(1500)).canonical_json())
    assert set(document) == {
        "version", "market", "candle_timestamp", "price", "indicators", "changes", "candles", "recent_closes",
    }  # fmt: skip
    assert set(document["indicators"]) == {
        "rsi_14", "macd", "macd_signal", "macd_histogram", "bollinger_upper", "bollinger_middle",
        "bollinger_lower", "ema_9", "ema_21", "ema_50", "atr_14", "volume_ratio",
    }  # fmt: skip
    assert set(document["changes"]) == {"1h", "4h", "24h"}
    assert document["candle_timestamp"] == "2026-11-24T11:59:00Z"
    assert document["candles"] == 1500


def test_nothing_in_a_snapshot_is_text_that_somebody_else_wrote() -> None:
    def texts(value: object) -> set[str]:
        if isinstance(value, dict):
            return set().union(*(texts(part) for part in value.values()))
        if isinstance(value, list):
            return set().union(*(texts(part) for part in value))
        return {value} if isinstance(value, str) else set()

    document = json.loads(snapshot_of(wavy_closes(1500)).canonical_json())
    assert texts(document) == {document["market"], document["candle_timestamp"]} | texts(document["version"])


def test_prices_are_written_as_json_numbers() -> None:
    assert '"price":0.1234' in snapshot_of([0.1234] * 60).canonical_json()
    assert '"price":95000000,' in snapshot_of([95_000_000] * 60).canonical_json()


@given(st.lists(prices, min_size=1, max_size=60))
def test_a_stored_snapshot_gives_the_same_bytes_again(closes: list[float]) -> None:
    snapshot = snapshot_of(closes)
    text = snapshot.canonical_json()
    # jsonb keeps numbers and drops key order and spaces.
    through_jsonb = json.dumps(dict(reversed(json.loads(text).items())), indent=1)
    assert Snapshot.model_validate_json(through_jsonb).canonical_json() == text
    assert snapshot_of(closes).canonical_json() == text


@given(st.lists(prices, min_size=1, max_size=80))
def test_every_figure_is_finite_or_null(closes: list[float]) -> None:
    assert all(math.isfinite(figure) for figure in snapshot_of(closes).figures())


def test_the_changes_look_back_a_whole_day() -> None:
    assert snapshot_of([100] * 60 + [110] * 1440).changes.hour_24 == pytest.approx(0.1)
