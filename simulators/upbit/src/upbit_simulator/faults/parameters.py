"""Fault parameters of the Upbit simulator, checked when a fault is given. Pure."""

from simulator_control import InvalidFaultError

ROUTES = ("candles", "ticker", "orderbook", "trades", "market", "websocket")
BAD_VALUES = ("zero", "negative", "nan", "string", "huge")
BODIES = {"rate_limited": ("text", "json"), "http_error": ("json", "html", "empty")}
MOST_MEGABYTES = 500
_RANGES: dict[str, tuple[float, float]] = {
    "status": (400, 599),
    "block_seconds": (0, 1e6),
    "delay_seconds": (0, 1e6),
    "megabytes": (0, MOST_MEGABYTES),
    "minutes": (0, 1e6),
    "every": (2, 1e6),
    "code": (1000, 4999),
    "seconds": (-1e6, 1e6),
}
_WHOLE = {"status", "code", "every", "megabytes", "minutes"}
_TEXTS = {"field", "name"}
# RFC 6455, 7.4: what stands in between is never sent or not assigned.
_CLOSE_CODES = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}


def check_parameter(kind: str, name: str, value: object) -> None:
    """Refuse a value that this kind of fault can't take; unknown names pass.

    Raises:
        InvalidFaultError: Says which parameter and which values are taken.
    """
    choices = {"route": ROUTES, "value": BAD_VALUES, "body": BODIES.get(kind)}.get(name)
    if choices is not None and value not in choices:
        raise InvalidFaultError(f"params.{name} must be one of {', '.join(choices)}")
    # Half of a surrogate pair is no printable text and could not be sent.
    if name in _TEXTS and not (isinstance(value, str) and value.isprintable()):
        raise InvalidFaultError(f"params.{name} must be printable text")
    if name in _RANGES:
        _check_number(name, value)


def _check_number(name: str, value: object) -> None:
    lowest, highest = _RANGES[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not lowest <= value <= highest:
        raise InvalidFaultError(f"params.{name} must be a number from {lowest:g} to {highest:g}")
    if name in _WHOLE and not isinstance(value, int):
        raise InvalidFaultError(f"params.{name} must be a whole number")
    if name == "code" and value not in _CLOSE_CODES:
        raise InvalidFaultError("params.code must be 1000 to 1003, 1007 to 1014 or 3000 to 4999")
