"""Query parameters, checked as Upbit does, with its three kinds of 400. Pure."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from upbit_simulator.wire.responses import INVALID, MISSING, UNKNOWN_MARKET, WRONG_TYPE, QuotationError

Query = Mapping[str, str]
_TO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?")
_TIME_OF_DAY = re.compile(r"(\d\d):?(\d\d):?(\d\d)")


def market(query: Query, known: Iterable[str]) -> str:
    """Return the `market` parameter."""
    return _known(_required(query, "market"), known)


def markets(query: Query, known: Iterable[str]) -> list[str]:
    """Return the `markets` parameter, codes separated by commas."""
    available = list(known)
    return [_known(code.strip(), available) for code in _required(query, "markets").split(",")]


def quote_currencies(query: Query) -> set[str]:
    """Return the `quote_currencies` parameter, such as {"KRW"}."""
    return {currency.strip() for currency in _required(query, "quote_currencies").split(",")}


def count(query: Query, *, default: int = 1, most: int = 200) -> int:
    """Return the `count` parameter; more than `most` gives `most`."""
    number = whole(query.get("count") or str(default))
    if number < 1:
        raise QuotationError(400, INVALID)
    return min(number, most)


def whole(text: str) -> int:
    """Return a whole number."""
    try:
        return int(text) if len(text) < 20 else int("")
    except ValueError as error:
        raise QuotationError(400, WRONG_TYPE) from error


def before_ms(query: Query, now_ms: int) -> int:
    """Return the exclusive end `to` as Unix ms; without it, just after now, so the forming candle is in.

    All four spellings are taken; one without an offset is UTC.
    """
    text = query.get("to", "")
    if not text:
        return now_ms + 1
    if not _TO.fullmatch(text):
        raise QuotationError(400, INVALID)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise QuotationError(400, INVALID) from error
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return int(aware.timestamp() * 1000)


def time_of_day_ms(query: Query) -> int | None:
    """Return the `to` of trades, HHmmss or HH:mm:ss, as ms after midnight UTC."""
    text = query.get("to", "")
    if not text:
        return None
    found = _TIME_OF_DAY.fullmatch(text)
    if found is None:
        raise QuotationError(400, INVALID)
    hours, minutes, seconds = map(int, found.groups())
    if hours > 23 or minutes > 59 or seconds > 59:
        raise QuotationError(400, INVALID)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000


def days_ago(query: Query) -> int:
    """Return `days_ago`, 1 to 7, or 0 without it."""
    text = query.get("days_ago", "")
    number = whole(text) if text else 0
    if text and not 1 <= number <= 7:
        raise QuotationError(400, INVALID)
    return number


def price_level(query: Query) -> Decimal:
    """Return the `level` by which an order book is grouped; 0 means not at all."""
    try:
        level = Decimal(query.get("level") or "0")
    except InvalidOperation as error:
        raise QuotationError(400, WRONG_TYPE) from error
    if not level.is_finite() or level < 0:
        raise QuotationError(400, INVALID)
    return level


def converted(query: Query) -> bool:
    """Say whether `converting_price_unit` (only KRW) is asked."""
    unit = query.get("converting_price_unit", "")
    if unit not in {"", "KRW"}:
        raise QuotationError(400, INVALID)
    return bool(unit)


def _required(query: Query, name: str) -> str:
    value = query.get(name, "")
    if not value:
        raise QuotationError(400, MISSING)
    return value


def _known(code: str, known: Iterable[str]) -> str:
    if code not in known:
        raise QuotationError(404, UNKNOWN_MARKET)
    return code
