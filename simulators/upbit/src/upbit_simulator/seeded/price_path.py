"""Price path of a seeded day, minute by minute: a pure function of (seed, market, day).

The logarithm of the price is a sum of smooth noises from one minute to 45 days: the long ones are the
trend, and since every one is bounded the price always comes back. Slow noises scale the short ones, which
makes calm and nervous hours.
"""

from dataclasses import dataclass

import numpy as np

from upbit_simulator.market.candles import DAY_MINUTES
from upbit_simulator.market.listings import TICK_SIZES, Listing
from upbit_simulator.market.noise import Floats, Integers, key_of, smooth, uniform

_SCALES = tuple(4**power for power in range(9))
_NERVOUS_SCALES = (1, 4, 16)
_EMPTY_SHARE = 0.025
# Prices stay above 1 KRW here, so only whole steps matter.
_BOUNDS = np.array([float(bound) for bound, step in reversed(TICK_SIZES) if step >= 1])
_STEPS = np.array([int(step) for _, step in reversed(TICK_SIZES) if step >= 1], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class DayPath:
    """One UTC day, 1440 entries each: prices in KRW on their price steps, and what the day's mood is."""

    traded: np.ndarray[tuple[int], np.dtype[np.bool_]]
    opening: Integers
    high: Integers
    low: Integers
    closing: Integers
    nervousness: Floats


def on_price_step(prices: Floats) -> Integers:
    """Return the prices rounded to Upbit's price steps; rounding keeps their order."""
    steps = _STEPS[np.clip(np.searchsorted(_BOUNDS, prices, side="right") - 1, 0, None)]
    return np.rint(prices / steps).astype(np.int64) * steps


def day_path(seed: int, listing: Listing, day: int) -> DayPath:
    """Return the path of one Unix day."""
    key = key_of(seed, listing.code)
    times = np.arange(DAY_MINUTES + 1, dtype=np.int64) + day * DAY_MINUTES
    nervousness = np.exp(0.7 * smooth(key ^ 1, times, 240) + 0.5 * smooth(key ^ 2, times, 2880))
    prices = _prices(key, listing, times, nervousness)
    minutes, mood = times[:-1], nervousness[:-1]
    opening, closing = on_price_step(prices[:-1]), on_price_step(prices[1:])
    reach = listing.minute_volatility * mood
    up = 1.0 + reach * uniform(key ^ 3, minutes) ** 2
    down = 1.0 - reach * uniform(key ^ 4, minutes) ** 2
    return DayPath(
        traded=uniform(key ^ 5, minutes) >= _EMPTY_SHARE,
        opening=opening,
        high=on_price_step(np.maximum(opening, closing) * up),
        low=on_price_step(np.minimum(opening, closing) * down),
        closing=closing,
        nervousness=mood,
    )


def _prices(key: int, listing: Listing, times: Integers, nervousness: Floats) -> Floats:
    drift = np.zeros(len(times))
    for scale in _SCALES:
        size = listing.minute_volatility * float(np.sqrt(scale))
        wave = smooth(key ^ (scale << 8), times, scale)
        drift += size * wave * (nervousness if scale in _NERVOUS_SCALES else 1.0)
    return listing.base_price * np.exp(drift)
