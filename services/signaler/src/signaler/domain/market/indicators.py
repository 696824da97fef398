"""Technical indicators, on TA-Lib.

Upbit makes no candle for a minute without trades, and none is invented here: the indicators run over the
candles there are, one step a candle, as the exchange's own chart does. Changes go by the candles' times.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import talib
from pydantic import BaseModel, ConfigDict, Field

from common.clock import MINUTE
from common.events import Candle

VOLUME_WINDOW = 20
SIGNIFICANT_DIGITS = 10

Series = npt.NDArray[np.float64]
Figure = float | None


class Indicators(BaseModel):
    """The newest value of each; prices in KRW, None where there are too few candles or nothing to compute.

    Attributes:
        rsi_14: 0 to 100; None while the price never moved.
        volume_ratio: The last candle's volume / mean of the 20 before; None where no volume was recorded.
    """

    model_config = ConfigDict(frozen=True)

    rsi_14: Figure
    macd: Figure
    macd_signal: Figure
    macd_histogram: Figure
    bollinger_upper: Figure
    bollinger_middle: Figure
    bollinger_lower: Figure
    ema_9: Figure
    ema_21: Figure
    ema_50: Figure
    atr_14: Figure
    volume_ratio: Figure


class Changes(BaseModel):
    """The last close / the one so long before, minus 1: 0.01 is 1 % up. None before the first candle."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    hour_1: Figure = Field(serialization_alias="1h", validation_alias="1h")
    hour_4: Figure = Field(serialization_alias="4h", validation_alias="4h")
    hour_24: Figure = Field(serialization_alias="24h", validation_alias="24h")


def compute_indicators(candles: Sequence[Candle]) -> Indicators:
    """Return the indicators at the last of `candles` (oldest first, at least one)."""
    close = _series([candle.close for candle in candles])
    high = _series([candle.high for candle in candles])
    low = _series([candle.low for candle in candles])
    macd, macd_signal, macd_histogram = talib.MACD(close, fastperiod=12, slowperiod=26, signalperiod=9)
    upper, middle, lower = talib.BBANDS(close, timeperiod=20, nbdevup=2.0, nbdevdn=2.0)
    # TA-Lib calls the RSI of a price that never moved 0, which would read as "sold out".
    moved = bool(close.min() < close.max())
    return Indicators(
        rsi_14=_last(talib.RSI(close, timeperiod=14)) if moved else None,
        macd=_last(macd),
        macd_signal=_last(macd_signal),
        macd_histogram=_last(macd_histogram),
        bollinger_upper=_last(upper),
        bollinger_middle=_last(middle),
        bollinger_lower=_last(lower),
        ema_9=_last(talib.EMA(close, timeperiod=9)),
        ema_21=_last(talib.EMA(close, timeperiod=21)),
        ema_50=_last(talib.EMA(close, timeperiod=50)),
        atr_14=_last(talib.ATR(high, low, close, timeperiod=14)),
        volume_ratio=_volume_ratio(_series([candle.volume for candle in candles])),
    )


def compute_changes(candles: Sequence[Candle], interval_end: datetime) -> Changes:
    """Return the changes up to `interval_end`; each looks at the newest candle closed so long before it."""

    def change(hours: int) -> Figure:
        before = interval_end - timedelta(hours=hours)
        closed = [candle for candle in candles if candle.timestamp + MINUTE <= before]
        return _rounded(float(candles[-1].close / closed[-1].close) - 1) if closed else None

    return Changes(hour_1=change(1), hour_4=change(4), hour_24=change(24))


def _series(values: Sequence[object]) -> Series:
    return np.array(values, dtype=np.float64)


def _last(series: Series) -> Figure:
    return _rounded(float(series[-1]))


def _volume_ratio(volumes: Series) -> Figure:
    if len(volumes) <= VOLUME_WINDOW:
        return None
    mean = float(volumes[-VOLUME_WINDOW - 1 : -1].mean())
    return _rounded(float(volumes[-1]) / mean) if mean > 0 else None


def _rounded(value: float) -> Figure:
    """Return `value` with 10 significant digits, so that a decision can be redone byte for byte."""
    if not math.isfinite(value):
        return None
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}") + 0.0  # + 0.0 turns -0.0 into 0.0
