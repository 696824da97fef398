"""How is the result shown? A table in the terminal, and the same in docs/acceptance.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version

from rich.console import Console
from rich.table import Table

from acceptance.promise import Finding

HEAD = """# Acceptance

What was promised and what was measured, written by `make acceptance` on {date}: {machine}, Python {python},
asyncpg {asyncpg}, nats-py {nats}. Every row is measured on the real stack: PostgreSQL, nats-server with
`sync_interval: always`, the simulators and the services. A row's command measures its promise alone.

| promise | what | bar | measured | command | holds |
|---|---|---|---|---|---|
"""


def print_table(findings: Iterable[Finding]) -> None:
    """Print the table for a person."""
    table = Table(title="Acceptance", title_justify="left", show_lines=True)
    for column in ("promise", "what", "bar", "measured", "command", "holds"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        table.add_row(
            finding.promise,
            finding.what,
            finding.bar,
            finding.measured,
            command(finding),
            "pass" if finding.holds else "FAIL",
        )
    Console(width=None if os.isatty(1) else 160).print(table)


def as_markdown(findings: Iterable[Finding]) -> str:
    """Return docs/acceptance.md."""
    head = HEAD.format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        python=platform.python_version(),
        asyncpg=version("asyncpg"),
        nats=version("nats-py"),
    )
    return head + "".join(_row(finding) for finding in findings)


def _row(finding: Finding) -> str:
    cells = (finding.promise, finding.what, finding.bar, finding.measured, f"`{command(finding)}`")
    # An error's text may hold what ends a cell or a row.
    told = " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells)
    return f"| {told} | {'pass' if finding.holds else '**FAIL**'} |\n"


def command(finding: Finding) -> str:
    """Return what measures this row again."""
    return f"make acceptance ARGS={finding.promise}"
