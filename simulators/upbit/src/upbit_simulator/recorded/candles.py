"""Parser of Upbit 1-minute candles. Pure; numbers keep the exact decimal digits of the file."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

from upbit_simulator.market.candles import Candle
from upbit_simulator.recorded.rules import (
    BELOW,
    MARKET_CODE,
    MOST_DIGITS,
    YEARS,
    RecordingError,
    broken_line,
    is_exact,
)

_PRICES = ("opening_price", "high_price", "low_price", "trade_price")
_AMOUNTS = ("candle_acc_trade_price", "candle_acc_trade_volume")
_FIX = "correct or delete the candle"
_MINUTE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:00")
_SPACE = re.compile(r"\s*")


def parse_candles(path: Path, text: str) -> dict[str, list[Candle]]:
    """Return each market's candles, oldest first.

    Args:
        path: Named in errors only.
        text: A JSON array as GET /v1/candles/minutes/1 answers it, in any order, of one or more markets.

    Raises:
        RecordingError: Not such an array, another unit than 1, or a broken or doubled candle.
    """
    found: dict[str, dict[int, Candle]] = {}
    for line, row in _rows(path, text):
        market, candle = _candle(path, line, row)
        if candle.open_ms in found.setdefault(market, {}):
            rule = f"a second candle of {market} for {row['candle_date_time_utc']}"
            raise broken_line(path, line, rule, "keep one candle a minute")
        found[market][candle.open_ms] = candle
    if not found:
        raise RecordingError(f"{path}: the array has no candle; give a recording with at least one")
    return {market: [by_time[key] for key in sorted(by_time)] for market, by_time in found.items()}


def _rows(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yield (line, element); elements are decoded one by one, since only so their lines are known."""
    decoder = json.JSONDecoder(parse_float=Decimal, parse_int=_whole, parse_constant=_no_constant)
    position, line, counted = text.index("[") + 1, 1, 0
    while True:
        position = _skip(text, position)
        line, counted = line + text.count("\n", counted, position), position
        if text[position : position + 1] == "]":
            return _nothing_after(path, text, position + 1, line)
        try:
            row, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            raise _not_json(path, line, text, error) from error
        if not isinstance(row, dict):
            raise broken_line(path, line, "an array element is not a candle object", _FIX)
        yield line, row
        position = _after_comma(path, text, position)


def _after_comma(path: Path, text: str, position: int) -> int:
    position = _skip(text, position)
    following = text[position : position + 1]
    if following == "]":
        return position
    after = _skip(text, position + 1)
    if following != "," or text[after : after + 1] in {"]", ""}:
        raise broken_line(
            path,
            text.count("\n", 0, position) + 1,
            "the JSON array is cut off or broken",
            "fetch or make the file again",
        )
    return after


def _nothing_after(path: Path, text: str, position: int, line: int) -> None:
    if text[position:].strip():
        raise broken_line(path, line, "text follows the JSON array", "keep one array in the file")


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _whole(digits: str) -> int | Decimal:
    return int(digits) if len(digits) < 20 else Decimal(digits)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _not_json(path: Path, line: int, text: str, error: Exception) -> RecordingError:
    where, reason = line, "nested too deep" if isinstance(error, RecursionError) else str(error)
    if isinstance(error, json.JSONDecodeError):
        where, reason = text.count("\n", 0, error.pos) + 1, error.msg
    return broken_line(path, where, f"not JSON ({reason})", "fetch or make the file again")


def _candle(path: Path, line: int, row: Mapping[str, object]) -> tuple[str, Candle]:
    market, unit = row.get("market"), row.get("unit")
    if not isinstance(market, str) or not MARKET_CODE.fullmatch(market):
        raise broken_line(path, line, "market is missing or not written like KRW-BTC", _FIX)
    if unit != 1:
        rule = f"unit is {str(unit)[:40]} where 1-minute candles are asked"
        raise broken_line(path, line, rule, "record candles of unit 1")
    opening, high, low, closing = (_number(path, line, row, name) for name in _PRICES)
    value, volume = (_number(path, line, row, name) for name in _AMOUNTS)
    if not 0 < low <= min(opening, closing) <= max(opening, closing) <= high:
        rule = "low_price must be above 0 and lowest, high_price highest of the four prices"
        raise broken_line(path, line, rule, _FIX)
    if value < 0 or volume < 0:
        raise broken_line(path, line, "volume and value must not be negative", _FIX)
    open_ms = _open_ms(path, line, row.get("candle_date_time_utc"))
    last_ms = _timestamp(path, line, row.get("timestamp"), open_ms)
    return market, Candle(open_ms, opening, high, low, closing, last_ms, value, volume)


def _number(path: Path, line: int, row: Mapping[str, object], name: str) -> Decimal:
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise broken_line(path, line, f"{name} is missing or not a number", _FIX)
    number = Decimal(value)
    if not is_exact(number):
        rule = f"{name} must be below {BELOW} with at most {MOST_DIGITS} digits"
        raise broken_line(path, line, rule, _FIX)
    return number


def _open_ms(path: Path, line: int, value: object) -> int:
    fix = "write it like 2020-02-20T11:19:00"
    if not isinstance(value, str) or not _MINUTE.fullmatch(value):
        raise broken_line(path, line, "candle_date_time_utc is missing or not a whole minute", fix)
    try:
        opened = datetime.fromisoformat(value).replace(tzinfo=UTC)
    except ValueError as error:
        raise broken_line(path, line, f"candle_date_time_utc {value!r} is not a time", fix) from error
    if opened.year not in YEARS:
        raise broken_line(
            path, line, f"candle_date_time_utc {value!r} is not within the years 1970 to 9998", _FIX
        )
    return int(opened.timestamp()) * 1000


def _timestamp(path: Path, line: int, value: object, open_ms: int) -> int:
    """Real answers name a last trade up to a second past the minute, so only nonsense is refused."""
    if isinstance(value, bool) or not isinstance(value, int) or not open_ms <= value < open_ms + 120_000:
        rule = "timestamp must be the last trade's Unix time in ms, within the candle's minute"
        raise broken_line(path, line, rule, _FIX)
    return value
