"""Fault parameters of the Gemini simulator, checked when a fault is given. Pure."""

import math
from contextlib import suppress

from gemini_simulator.quotas import FREE_TIER
from simulator_control import InvalidFaultError

MAX_SECONDS = 1e6
ROUTES = ("all", "generations")
_TEXTS = ("model", "version", "action")


def check_parameter(_: str, name: str, value: object) -> None:
    """Refuse a value that no kind of fault can take.

    Raises:
        InvalidFaultError: Says which parameter and which values are accepted.
    """
    if name in _TEXTS:
        if not isinstance(value, str) or not value:
            raise InvalidFaultError(f'params.{name} must be text, as in {{"{name}": "gemini-3.8-flash"}}')
    elif name == "routes":
        if value not in ROUTES:
            raise InvalidFaultError('params.routes must be "all" or "generations"')
    elif name == "violations":
        if not isinstance(value, list) or not value or any(row not in [*FREE_TIER] for row in value):
            raise InvalidFaultError(f"params.violations must be a list of some of: {', '.join(FREE_TIER)}")
    else:
        _check_range(name, _number(name, value))


def _check_range(name: str, number: float) -> None:
    if name == "status" and number not in range(400, 600):
        raise InvalidFaultError("params.status must be a whole number from 400 to 599")
    if name == "bytes_per_second" and not 0 < number <= MAX_SECONDS:
        raise InvalidFaultError("params.bytes_per_second must be above 0 and at most a million")
    if name.endswith("delay_seconds") and not 0 <= number <= MAX_SECONDS:
        raise InvalidFaultError(f"params.{name} must be from 0 to a million")


def _number(name: str, value: object) -> float:
    number = math.nan
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        with suppress(ValueError, OverflowError):
            number = float(value)
    if not math.isfinite(number):
        raise InvalidFaultError(f'params.{name} must be a number, as in {{"{name}": 5}}')
    return number
