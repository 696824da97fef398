"""How do rows of candles or trades look when the exchange gets them wrong? No clock, no IO."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from simulator_control import Fault
from upbit_simulator.candle import MINUTE_MS
from upbit_simulator.fault_kinds import UpbitFaults
from upbit_simulator.rows import Row
from upbit_simulator.spelling import RawJson, bare_seconds, kst, utc

BROKEN: dict[str, Callable[[object], object]] = {
    "zero": lambda _: Decimal("0E-8"),
    "negative": lambda value: -abs(value) if isinstance(value, Decimal) else -1,
    "nan": lambda _: RawJson("NaN"),
    "string": str,
    "huge": lambda _: RawJson("1e400"),
}


def with_row_faults(rows: list[Row], faults: UpbitFaults, route: str, now_ms: int) -> list[Row]:
    """Return the rows, newest first, as the active faults make them.

    Args:
        rows: Rows of the answer; they are not changed in place.
        faults: A fault found active is used up once.
        route: `candles` or `trades`.
        now_ms: Exchange time.
    """
    for kind, distort in _DISTORTIONS.items():
        if route != "candles" and kind in _ONLY_CANDLES:
            continue
        fault = faults.take_on(route, kind)
        if fault is not None:
            rows = distort(rows, fault, now_ms)
    return rows


def _late(rows: list[Row], fault: Fault, now_ms: int) -> list[Row]:
    shown_until = utc(now_ms - (int(fault.params.get("minutes", 2)) + 1) * MINUTE_MS)
    return [row for row in rows if str(row["candle_date_time_utc"]) <= bare_seconds(shown_until)]


def _missing(rows: list[Row], fault: Fault, _: int) -> list[Row]:
    """By the candle's own time, so the same candles are missing in every answer."""
    every = int(fault.params.get("every", 3))
    return [row for row in rows if _minute(row) % every]


def _minute(row: Row) -> int:
    return int(datetime.fromisoformat(f"{row['candle_date_time_utc']}+00:00").timestamp()) // 60


def _twice(rows: list[Row], _: Fault, __: int) -> list[Row]:
    return [row for row in rows for _ in range(2)]


def _swapped(rows: list[Row], _: Fault, __: int) -> list[Row]:
    return [row for place in range(0, len(rows), 2) for row in reversed(rows[place : place + 2])]


def _from_the_future(rows: list[Row], fault: Fault, now_ms: int) -> list[Row]:
    if not rows:
        return rows
    ahead = timedelta(minutes=int(fault.params.get("minutes", 5)))
    open_ms = now_ms // MINUTE_MS * MINUTE_MS
    times: Row = {
        "candle_date_time_utc": bare_seconds(utc(open_ms) + ahead),
        "candle_date_time_kst": bare_seconds(kst(open_ms) + ahead),
        "timestamp": open_ms + int(ahead.total_seconds()) * 1000,
    }
    return [{**rows[0], **times}, *rows]


def _broken(rows: list[Row], fault: Fault, _: int) -> list[Row]:
    field = str(fault.params.get("field", "trade_price"))
    if not rows or field not in rows[0]:
        return rows
    spoil = BROKEN[str(fault.params.get("value", "zero"))]
    return [{**rows[0], field: spoil(rows[0][field])}, *rows[1:]]


def _revised(rows: list[Row], fault: Fault, now_ms: int) -> list[Row]:
    age = timedelta(minutes=int(fault.params.get("minutes", 1)))
    wanted = bare_seconds(utc(now_ms // MINUTE_MS * MINUTE_MS) - age)
    return [_revise(row) if row["candle_date_time_utc"] == wanted else row for row in rows]


def _revise(row: Row) -> Row:
    high, volume = row["high_price"], row["candle_acc_trade_volume"]
    if not isinstance(high, Decimal) or not isinstance(volume, Decimal):
        return row
    return {**row, "trade_price": high, "candle_acc_trade_volume": volume + Decimal("0.00000001")}


_DISTORTIONS: dict[str, Callable[[list[Row], Fault, int], list[Row]]] = {
    "newest_candle_late": _late,
    "missing_candles": _missing,
    "revised_candle": _revised,
    "duplicate_candles": _twice,
    "out_of_order": _swapped,
    "bad_values": _broken,
    "future_candle": _from_the_future,
}
_ONLY_CANDLES = {"newest_candle_late", "missing_candles", "revised_candle", "future_candle"}
