"""Candle faults: candles that are hidden, revised or invented. No clock, no IO."""

from collections.abc import Callable
from decimal import Decimal

from simulator_control import Fault
from upbit_simulator.encoding import bare_seconds, kst, utc
from upbit_simulator.faults.kinds import UpbitFaults
from upbit_simulator.faults.rows import with_row_faults
from upbit_simulator.market.candles import MINUTE_MS, Candle
from upbit_simulator.market.periods import Grid
from upbit_simulator.wire.fields import Row


def visible_before(faults: UpbitFaults, before_ms: int, now_ms: int) -> int:
    """Return the end (exclusive, Unix ms) of the opening times that are visible; late candles are not yet.

    Candles that are hidden are not counted: an answer goes on with the next older ones.
    """
    fault = faults.take_on("candles", "newest_candle_late")
    if fault is None:
        return before_ms
    return min(before_ms, now_ms - (int(fault.params.get("minutes", 2)) + 1) * MINUTE_MS + 1)


def visible(faults: UpbitFaults, grid: Grid) -> Callable[[Candle], bool]:
    """Return the filter for candles that are not missing: by place on the grid, the same in all answers."""
    fault = faults.take_on("candles", "missing_candles")
    every = 0 if fault is None else int(fault.params.get("every", 3))
    return lambda candle: not every or grid.place(candle.open_ms) % every != 0


def with_candle_faults(rows: list[Row], faults: UpbitFaults, grid: Grid, now_ms: int) -> list[Row]:
    """Return the rows of an answer, newest first, as the active faults make them; each is used up once."""
    revised = faults.take_on("candles", "revised_candle")
    if revised is not None:
        rows = _revised(rows, revised, now_ms)
    rows = with_row_faults(rows, faults, "candles")
    future = faults.take_on("candles", "future_candle")
    return rows if future is None else _from_the_future(rows, future, grid, now_ms)


def _from_the_future(rows: list[Row], fault: Fault, grid: Grid, now_ms: int) -> list[Row]:
    if not rows:
        return rows
    ahead_ms = int(fault.params.get("minutes", 5)) * MINUTE_MS
    open_ms = grid.opens(max(grid.place(now_ms + ahead_ms), grid.place(now_ms) + 1))
    times: Row = {
        "candle_date_time_utc": bare_seconds(utc(open_ms)),
        "candle_date_time_kst": bare_seconds(kst(open_ms)),
        "timestamp": open_ms,
    }
    if "first_day_of_period" in rows[0]:
        times["first_day_of_period"] = utc(open_ms).date().isoformat()
    return [{**rows[0], **times}, *rows]


def _revised(rows: list[Row], fault: Fault, now_ms: int) -> list[Row]:
    age_ms = int(fault.params.get("minutes", 1)) * MINUTE_MS
    wanted = bare_seconds(utc(now_ms // MINUTE_MS * MINUTE_MS - age_ms))
    return [_revise(row) if row["candle_date_time_utc"] == wanted else row for row in rows]


def _revise(row: Row) -> Row:
    high, volume = row["high_price"], row["candle_acc_trade_volume"]
    if not isinstance(high, Decimal) or not isinstance(volume, Decimal):
        return row
    return {**row, "trade_price": high, "candle_acc_trade_volume": volume + Decimal("0.00000001")}
