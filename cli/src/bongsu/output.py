"""Output of commands: tables for people, one JSON document for programs."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from common.masking import mask, mask_sensitive

# Without a terminal nothing is cut: one row, one line.
ENDLESS_WIDTH = 100_000
BETWEEN_COLUMNS = "  "
# A column that breaks into lines is of no use below this.
READABLE_WIDTH = 10
# A model writes some of what is shown, and a terminal obeys what it is shown.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def print_json(document: object) -> None:
    """Print one JSON document: decimals as text, times as ISO 8601."""
    text = json.dumps(mask(document), ensure_ascii=not _takes_unicode(), indent=2, default=_plain)
    sys.stdout.write(text + "\n")


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, wrapped: int = 1
) -> None:
    """Print a table; the last `wrapped` columns break into lines where the terminal is too narrow.

    Where even that does not fit, each field is a line of its own. Without a terminal there are no colours,
    and each row is one line.
    """
    terminal = sys.stdout.isatty()
    console = Console(
        width=None if terminal else ENDLESS_WIDTH,
        force_terminal=terminal,
        no_color=not _is_styled(),
        markup=False,
        emoji=False,
        highlight=False,
    )
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(cell_len, (column, *texts))) for column, *texts in zip(columns, *cells, strict=True)]
    bold = "bold" if _is_styled() else ""
    # Captured, since rich ends the process by itself where a pipe's reader has left.
    with console.capture() as capture:
        console.print(title, style=bold)
        if _narrowest(widths, wrapped) > console.width:
            console.print("\n\n".join(_one_below_the_other(columns, row) for row in cells))
        else:
            table = Table(box=None, pad_edge=False, header_style=bold)
            for index, (column, width) in enumerate(zip(columns, widths, strict=True)):
                whole = index < len(columns) - wrapped
                table.add_column(
                    column,
                    no_wrap=whole,
                    min_width=width if whole else 0,
                    justify="right" if _are_numbers([row[index] for row in rows]) else "left",
                    overflow="fold",
                )
            for row in cells:
                table.add_row(*row)
            console.print(table, crop=False)
    sys.stdout.write("\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n")


def print_market_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[tuple[str, Sequence[object]]],
    *,
    place: int = 0,
    wrapped: int = 1,
) -> None:
    """Print a table of rows that each belong to a market, newest first.

    One market is named in the title: a terminal of 80 columns has no room for it in every row.

    Args:
        rows: Market and cells of each row.
        place: Index of the column before which the market stands, where there are several.
    """
    markets = {market for market, _ in rows}
    if len(markets) == 1:
        title = f"{title} of {markets.pop()}"
        cells = [row for _, row in rows]
    else:
        columns = (*columns[:place], "market", *columns[place:])
        cells = [(*row[:place], market, *row[place:]) for market, row in rows]
    print_table(f"{title}, newest first (UTC)", columns, cells, wrapped=wrapped)


def say(text: str) -> None:
    """Print one line."""
    sys.stdout.write(one_line(mask_sensitive(text)) + "\n")


def note(text: str) -> None:
    """Print one line beside the answer: what the answer itself does not say."""
    sys.stderr.write(f"bongsu: {one_line(mask_sensitive(text))}\n")


def one_line(text: str) -> str:
    """Return the text on one line, without anything that a terminal would obey."""
    return _CONTROL.sub(" ", text)


def in_minutes(moment: datetime) -> str:
    """Return a UTC time as a table shows it."""
    return f"{moment:%Y-%m-%d %H:%M}"


def number(value: object) -> str:
    """Return a number for people, as in 135,722,000 or 0.2961; what is no number as it is."""
    try:
        return f"{Decimal(str(value)).normalize():,f}"
    except ArithmeticError:
        return str(value)


def _is_styled() -> bool:
    """Return whether what is printed may be bold: only a terminal knows, and NO_COLOR is obeyed."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _narrowest(widths: Sequence[int], wrapped: int) -> int:
    whole = len(widths) - wrapped
    broken = (min(width, READABLE_WIDTH) for width in widths[whole:])
    return sum(widths[:whole]) + sum(broken) + len(BETWEEN_COLUMNS) * (len(widths) - 1)


def _one_below_the_other(columns: Sequence[str], row: Sequence[str]) -> str:
    return "\n".join(f"{column}: {text}" for column, text in zip(columns, row, strict=True) if text)


def _takes_unicode() -> bool:
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "").startswith("utf")


def _are_numbers(values: Sequence[object]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(
        isinstance(value, int | float | Decimal) and not isinstance(value, bool) for value in known
    )


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return number(value)
    return one_line(str(mask(value)))


def _plain(value: Any) -> object:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)
