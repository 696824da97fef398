"""Row faults: rows of candles or trades that are doubled, out of order or broken. No clock, no IO."""

from collections.abc import Callable
from decimal import Decimal

from simulator_control import Fault
from upbit_simulator.encoding import RawJson
from upbit_simulator.faults.kinds import UpbitFaults
from upbit_simulator.wire.fields import Row

CORRUPTIONS: dict[str, Callable[[object], object]] = {
    "zero": lambda _: Decimal("0E-8"),
    "negative": lambda value: -abs(value) if isinstance(value, Decimal) else -1,
    "nan": lambda _: RawJson("NaN"),
    "string": str,
    "huge": lambda _: RawJson("1e400"),
}


def with_row_faults(rows: list[Row], faults: UpbitFaults, route: str) -> list[Row]:
    """Return the rows of `candles` or `trades`, newest first, as the active faults make them.

    The given rows are not changed in place, and a fault found active is used up once.
    """
    for kind, change in _ROW_FAULTS.items():
        fault = faults.take_on(route, kind)
        if fault is not None:
            rows = change(rows, fault)
    return rows


def _doubled(rows: list[Row], _: Fault) -> list[Row]:
    return [row for row in rows for _ in range(2)]


def _swapped(rows: list[Row], _: Fault) -> list[Row]:
    return [row for place in range(0, len(rows), 2) for row in reversed(rows[place : place + 2])]


def _corrupted(rows: list[Row], fault: Fault) -> list[Row]:
    field = str(fault.params.get("field", "trade_price"))
    if not rows or field not in rows[0]:
        return rows
    corrupt = CORRUPTIONS[str(fault.params.get("value", "zero"))]
    return [{**rows[0], field: corrupt(rows[0][field])}, *rows[1:]]


_ROW_FAULTS: dict[str, Callable[[list[Row], Fault], list[Row]]] = {
    "duplicate_candles": _doubled,
    "out_of_order": _swapped,
    "bad_values": _corrupted,
}
