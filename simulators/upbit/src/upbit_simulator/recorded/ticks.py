"""Parser of tick recordings, CSV with the columns `exchange_time_utc,market,price_krw`. Pure."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from upbit_simulator.market.candles import Trade
from upbit_simulator.recorded.rules import (
    MARKET_CODE,
    MOST_DIGITS,
    YEARS,
    RecordingError,
    broken_line,
    is_exact,
)

CSV_HEADER = "exchange_time_utc,market,price_krw"
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_NOTHING = Decimal(0)
_FIX = "correct or delete the line"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_ticks(path: Path, text: str) -> dict[str, list[Trade]]:
    """Return each market's ticks, oldest first; volume and value are 0, the recording has none.

    Raises:
        RecordingError: A line breaks a rule; the message names it.
    """
    parsed: dict[str, list[tuple[int, Decimal]]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and line.strip().replace(" ", "") != CSV_HEADER:
            time_ms, market, price = _parse_line(path, number, line)
            parsed.setdefault(market, []).append((time_ms, price))
    if not parsed:
        raise RecordingError(f"{path}: no tick below the header; give a recording with at least one")
    return {market: _trades(ticks) for market, ticks in parsed.items()}


def _parse_line(path: Path, number: int, line: str) -> tuple[int, str, Decimal]:
    fields = line.strip().split(",")
    if len(fields) != 3:
        rule = f"{len(fields)} columns where {CSV_HEADER} are asked"
        raise broken_line(path, number, rule, _FIX)
    time_text, market, price_text = (field.strip() for field in fields)
    if not MARKET_CODE.fullmatch(market):
        rule = f"market {market[:40]!r} is not written like KRW-BTC"
        raise broken_line(path, number, rule, _FIX)
    return _time_ms(path, number, time_text), market, _price(path, number, price_text)


def _time_ms(path: Path, number: int, text: str) -> int:
    fix = "write it like 2026-01-13T09:59:00.461Z"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise broken_line(path, number, f"exchange_time_utc {text[:40]!r} is not a time", fix) from error
    if moment.tzinfo is None or moment.utcoffset():
        raise broken_line(path, number, f"exchange_time_utc {text[:40]!r} must be UTC", fix)
    if moment.year not in YEARS:
        raise broken_line(
            path, number, f"exchange_time_utc {text[:40]!r} is not within the years 1970 to 9998", fix
        )
    since = moment - _EPOCH
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


def _price(path: Path, number: int, text: str) -> Decimal:
    # Decimal itself would also take 1_000 and the digits of every script.
    price = Decimal(text) if _NUMBER.fullmatch(text) else _NOTHING
    if not is_exact(price) or price <= 0:
        rule = f"price_krw {text[:40]!r} is not a number above 0 with at most {MOST_DIGITS} digits"
        raise broken_line(path, number, rule, _FIX)
    return price


def _trades(ticks: list[tuple[int, Decimal]]) -> list[Trade]:
    """The recording names no taker; a rise counts as a buy, as the tick rule has it."""
    trades: list[Trade] = []
    side, previous, same_ms, last_ms = "BID", _NOTHING, 0, -1
    for time_ms, price in sorted(ticks, key=lambda tick: tick[0]):
        side = side if price == previous else ("BID" if price > previous else "ASK")
        same_ms = same_ms + 1 if time_ms == last_ms else 0
        trades.append(Trade(time_ms, price, _NOTHING, _NOTHING, side, time_ms * 10_000 + same_ms))
        previous, last_ms = price, time_ms
    return trades
