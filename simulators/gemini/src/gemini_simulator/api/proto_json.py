"""Which number does a value in proto JSON stand for? One in quotes is one too. Pure."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def number_of(value: object) -> float | None:
    """Return the number, None where it is none."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def whole_number_of(value: object) -> int | None:
    """Return the number of an integer field, None where it is none; 100.0 and "1e2" are whole."""
    number = number_of(value)
    if isinstance(number, float):
        return int(number) if number.is_integer() else None
    return number
