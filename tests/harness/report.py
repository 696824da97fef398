"""How is the result shown? A table in the terminal, and the same as a page for docs/."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

from rich.console import Console
from rich.table import Table

from harness.finding import Finding

HEAD = """# {title}

{words}

Measured on {date}: {machine}, Python {python}, asyncpg {asyncpg}, nats-py {nats}.

| promise | what | bar | measured | command | holds |
|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Page:
    """What a table is called, what is said above it, and which make target measures a row by its promise."""

    title: str
    words: str
    target: str

    def command(self, finding: Finding) -> str:
        """Return what measures this row again."""
        return f"make {self.target} ARGS={finding.promise}"


def print_table(findings: Iterable[Finding], page: Page) -> None:
    """Print the table for a person."""
    table = Table(title=page.title, title_justify="left", show_lines=True)
    for column in ("promise", "what", "bar", "measured", "command", "holds"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        table.add_row(
            finding.promise,
            finding.what,
            finding.bar,
            finding.measured,
            page.command(finding),
            "pass" if finding.holds else "FAIL",
        )
    Console(width=None if os.isatty(1) else 160).print(table)


def as_markdown(findings: Iterable[Finding], page: Page) -> str:
    """Return the page as Markdown."""
    head = HEAD.format(
        title=page.title,
        words=page.words,
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        python=platform.python_version(),
        asyncpg=version("asyncpg"),
        nats=version("nats-py"),
    )
    return head + "".join(_row(finding, page) for finding in findings)


def _row(finding: Finding, page: Page) -> str:
    cells = (finding.promise, finding.what, finding.bar, finding.measured, f"`{page.command(finding)}`")
    # An error's text may hold what ends a cell or a row.
    told = " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells)
    return f"| {told} | {'pass' if finding.holds else '**FAIL**'} |\n"
