"""JSON encoding of values as Upbit writes them. Pure: Decimals keep their exact digits."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Context, Decimal

KST = timezone(timedelta(hours=9))
# The usual 28 digits are not enough for a trillion KRW with 16 decimals.
_WIDE = Context(prec=60)


class RawJson(str):
    """Text that goes into a body as it is; faults use it for numbers that JSON does not have."""

    __slots__ = ()


def with_places(value: Decimal, places: int) -> Decimal:
    """Return the value with at least `places` decimals written; digits beyond that stay."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent > -places:
        return value.quantize(Decimal((0, (1,), -places)), context=_WIDE)
    return value


def shortest(value: Decimal) -> Decimal:
    """Return the value without trailing zeros and without an exponent (order book sizes)."""
    return Decimal(format(value.normalize(), "f"))


def ratio(change: Decimal, base: Decimal) -> Decimal:
    """Return change / base with the 10 decimals Upbit gives rates; 0 where there is no base."""
    return (change / base).quantize(Decimal("1E-10")) if base else Decimal("0E-10")


def encode(value: object) -> str:
    """Return compact JSON.

    Args:
        value: str, bool, int, Decimal, None, RawJson, or dicts and lists of these.

    Raises:
        TypeError: Anything else; a float would lose digits.
    """
    if isinstance(value, RawJson):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Decimal):
        return format(value, "f")
    if value is None or isinstance(value, int):
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{encode(key)}:{encode(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(encode, value)) + "]"
    raise TypeError(f"{type(value).__name__} has no exact JSON spelling here; use Decimal for numbers")


def utc(time_ms: int) -> datetime:
    """Return the Unix time in ms as an aware UTC datetime."""
    return datetime.fromtimestamp(time_ms // 1000, UTC) + timedelta(milliseconds=time_ms % 1000)


def kst(time_ms: int) -> datetime:
    """Return the Unix time in ms as Korean time."""
    return utc(time_ms).astimezone(KST)


def bare_seconds(moment: datetime) -> str:
    """Return `2026-03-11T14:40:00`: candles name no offset, in UTC and in Korean time."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def iso_utc(time_ms: int) -> str:
    """Return `2026-03-11T14:40:00.123Z`, the control routes' spelling."""
    return utc(time_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")
