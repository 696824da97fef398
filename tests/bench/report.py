"""How is the result shown? A table in the terminal, and the same in docs/performance.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version

from rich.console import Console
from rich.table import Table

from bench.comparison import Comparison

COLUMNS = ("work", "against", "ours", "theirs", "figure", "bar", "reached")
HEAD = """# Performance

Written by `make bench` on {date}: {machine}, Python {python}, asyncpg {asyncpg}, nats-py {nats},
faststream {faststream}, aiocache {aiocache}, cashews {cashews}, SQLAlchemy {sqlalchemy}. Real servers on the
same machine: PostgreSQL with `synchronous_commit=on`, nats-server with `sync_interval: always`. Our side
records its spans with the SDK's tracer, as a service does, and exports none; the other sides have no tracing.
The sides of a row are measured in turn, round by round; a ratio is the median of the rounds' ratios, with the
lowest and the highest in brackets. Trust the ratios, not the rates.

| {columns} |
|{rule}|
"""
PACKAGES = {
    "asyncpg": "asyncpg",
    "nats": "nats-py",
    "faststream": "faststream",
    "aiocache": "aiocache",
    "cashews": "cashews",
    "sqlalchemy": "SQLAlchemy",
}


def print_table(rows: Iterable[Comparison]) -> None:
    """Print the table for a person."""
    table = Table(title="Benchmarks", title_justify="left", show_lines=True)
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*_cells(row))
    Console(width=None if os.isatty(1) else 160).print(table)


def as_markdown(rows: Iterable[Comparison]) -> str:
    """Return docs/performance.md, without what a person adds to it."""
    head = HEAD.format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        python=platform.python_version(),
        columns=" | ".join(COLUMNS),
        rule="|".join("---" for _ in COLUMNS),
        **{name: version(package) for name, package in PACKAGES.items()},
    )
    return head + "".join(f"| {' | '.join(_cells(row))} |\n" for row in rows)


def _cells(row: Comparison) -> tuple[str, ...]:
    return (row.work, row.against, row.ours, row.theirs, row.figure, row.bar, "yes" if row.reached else "NO")
