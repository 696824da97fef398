"""Which recorded numbers can be carried digit for digit? Decimal arithmetic here keeps 28 digits. Pure."""

from decimal import Decimal

MOST_DIGITS = 26
BELOW = Decimal(10) ** 18


def is_exact(value: Decimal) -> bool:
    """Say whether the value, written with 8 or more decimals, fits."""
    if not value.is_finite() or abs(value) >= BELOW:
        return False
    return len(value.as_tuple().digits) <= MOST_DIGITS
