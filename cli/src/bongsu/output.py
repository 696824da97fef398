"""How does a command print: a table for people, one JSON document for programs?"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from common.masking import mask


def print_json(document: object) -> None:
    """Print one JSON document: decimals as text, times as ISO 8601."""
    sys.stdout.write(json.dumps(mask(document), ensure_ascii=False, indent=2, default=_plain) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; without a terminal it has no colours and is not cut to a width."""
    console = Console(soft_wrap=True) if sys.stdout.isatty() else Console(width=200, no_color=True)
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console.print(table)


def say(text: str) -> None:
    """Print one line."""
    sys.stdout.write(text + "\n")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return str(mask(_plain(value) if isinstance(value, Decimal) else value))


def _plain(value: Any) -> object:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)
