"""Repeatable noise for any point in time: hashes of (key, index), never a running generator. Pure."""

import hashlib

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_Words = npt.NDArray[np.uint64]


def key_of(*parts: object) -> int:
    """Return a 64-bit key for these parts, the same on every machine."""
    text = ":".join(map(str, parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def uniform(key: int, index: Integers) -> Floats:
    """Return numbers in [0, 1), one for each index; equal indexes give equal numbers (splitmix64)."""
    word: _Words = index.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    word ^= word >> np.uint64(31)
    return (word >> np.uint64(11)).astype(np.float64) * 2.0**-53


def smooth(key: int, times: Integers, scale: int) -> Floats:
    """Return values in [-1, 1] that wander over about `scale` units of time, without a jump.

    `times` must rise.
    """
    cell = times // scale
    part = (times - cell * scale) / scale
    corners = uniform(key, np.arange(cell[0], cell[-1] + 2, dtype=np.int64))
    place = cell - cell[0]
    start, stop = corners[place], corners[place + 1]
    wave: Floats = (start + (stop - start) * part * part * (3.0 - 2.0 * part)) * 2.0 - 1.0
    return wave
