"""Runner and report of measures: a table in the terminal, and the same as a page for docs/.

The page is written after every measure, so that no later failure loses the figures of the finished ones.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import re
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

from rich.console import Console
from rich.table import Table

from common.masking import mask_sensitive

Row = TypeVar("Row")
Measure: TypeAlias = Callable[[], Coroutine[Any, Any, list[Row]]]
DOCS = Path(__file__).parents[2] / "docs"
NO_TERMINAL_COLUMNS = 160
# Code and bold are for Markdown.
_WHOLLY_MARKED = re.compile(r"^(`|\*\*)([^`*]*)\1$")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """How the rows of one kind of measure are shown.

    Attributes:
        words: What is said above the table; `{machine}` is replaced by date, machine and versions.
        cells: The cells of a row, as many as `columns`.
        failed: The row of a measure that ended with an error, from its name and the error.
        packages: Whose versions belong to `{machine}`.
        keep_from: Of the file's old text, what begins with this is written by hand and stays.
    """

    title: str
    words: str
    columns: Sequence[str]
    cells: Callable[[Row], Sequence[str]]
    failed: Callable[[str, str], Row]
    packages: Sequence[str] = ("asyncpg", "nats-py")
    keep_from: str | None = None

    def print_table(self, rows: Iterable[Row]) -> None:
        """Print the table for a person; a test's id such as `test_x[/api]` is no markup."""
        table = Table(title=self.title, title_justify="left", show_lines=True)
        for column in self.columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(_WHOLLY_MARKED.sub(r"\2", cell) for cell in self.cells(row)))
        Console(width=None if os.isatty(1) else NO_TERMINAL_COLUMNS, markup=False, emoji=False).print(table)

    def as_markdown(self, rows: Iterable[Row], unfinished: Sequence[str] = ()) -> str:
        """Return the page; the names in `unfinished` are said to be not measured."""
        words = self.words.format(machine=_machine(self.packages))
        missing = f"Not measured: {', '.join(unfinished)}.\n\n" if unfinished else ""
        lines = [self.columns, *map(self.cells, rows)]
        head, *body = (f"| {' | '.join(map(_escaped, cells))} |\n" for cells in lines)
        return f"# {self.title}\n\n{words}\n\n{missing}{head}|{'---|' * len(self.columns)}\n{''.join(body)}"

    def write(self, file: Path, rows: Iterable[Row], unfinished: Sequence[str] = ()) -> None:
        """Write the page; what a person added to it stays."""
        kept = ""
        if self.keep_from and file.exists():
            _, found, rest = file.read_text(encoding="utf-8").partition(self.keep_from)
            kept = found + rest
        file.write_text(self.as_markdown(rows, unfinished) + kept, encoding="utf-8")


def parser(prog: str, description: str, names: Iterable[str]) -> argparse.ArgumentParser:
    """Return a command line that takes some of these names; none means all of them."""
    made = argparse.ArgumentParser(prog=prog, description=description)
    # An argparse choice with nargs="*" refuses the empty list.
    known = tuple(names)

    def one_of(name: str) -> str:
        if name not in known:
            raise argparse.ArgumentTypeError(f"unknown name {name!r}; known are {', '.join(known)}")
        return name

    made.add_argument("names", nargs="*", type=one_of, metavar="NAME", help=", ".join(known))
    return made


def run(measures: Mapping[str, Measure[Row]], page: Page[Row], file: Path | None) -> list[Row]:
    """Run the measures one after another, write the page after each, and print the table in the end.

    Args:
        file: None where only a part is measured: the page is left as it is.
    """
    rows: list[Row] = []
    for number, (name, measure) in enumerate(measures.items(), 1):
        rows += measured(name, measure, page.failed)
        if file:
            page.write(file, rows, unfinished=[*measures][number:])
    page.print_table(rows)
    print(f"written: {file}" if file else "a part was measured: docs/ is left as it is")
    return rows


def measured(name: str, measure: Measure[Row], failed: Callable[[str, str], Row]) -> list[Row]:
    """Return one measure's rows; one that ends with an error is a row that fails."""
    print(f"{name} …", flush=True)
    began = time.monotonic()
    try:
        rows = asyncio.run(measure())
    except Exception as error:  # noqa: BLE001  the other measures are made all the same
        rows = [failed(name, mask_sensitive(f"{type(error).__name__}: {error}"))]
    print(f"{name} took {time.monotonic() - began:.0f} s", flush=True)
    return rows


def _machine(packages: Sequence[str]) -> str:
    versions = "".join(f", {package} {version(package)}" for package in packages)
    cores = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    return f"{datetime.now(UTC):%Y-%m-%d}: {cores}, Python {platform.python_version()}{versions}"


def _escaped(cell: str) -> str:
    """Return a cell without what ends a cell or a row, as an error's text may hold."""
    return " ".join(cell.split()).replace("|", "\\|")
