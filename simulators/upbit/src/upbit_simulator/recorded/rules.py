"""Rules that candle and tick recordings share, and the error for a file that breaks one.

Numbers are carried digit for digit; decimal arithmetic here keeps 28 digits. Pure.
"""

import re
from decimal import Decimal
from pathlib import Path

MARKET_CODE = re.compile(r"[A-Z0-9]{2,10}-[A-Z0-9]{1,15}")
# Python's calendar ends with 9999, and a minute's end and Korean time have to fit in.
YEARS = range(1970, 9999)
MOST_DIGITS = 26
BELOW = Decimal(10) ** 18


class RecordingError(Exception):
    """The recording (or its clock anchor) can't be used; the text is meant for the person who named it."""


def broken_line(path: Path, line: int, rule: str, fix: str) -> RecordingError:
    """Return the error for one line (1-based) of a recording: file, line, rule, fix."""
    return RecordingError(f"{path}, line {line}: {rule}; {fix}")


def is_exact(value: Decimal) -> bool:
    """Say whether the value, written with 8 or more decimals, keeps all its digits."""
    if not value.is_finite() or abs(value) >= BELOW:
        return False
    return len(value.as_tuple().digits) <= MOST_DIGITS
