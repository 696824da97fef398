"""Finding: one measured row of a promise, with the bar it is held against."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from harness.report import Page

COLUMNS = ("promise", "what", "bar", "measured", "command", "holds")


@dataclass(frozen=True)
class Finding:
    """One row of the table: what was promised, what was measured, and whether that is enough."""

    promise: str
    what: str
    bar: str
    measured: str
    holds: bool


def finding_page(title: str, words: str, target: str) -> Page[Finding]:
    """Return a page of findings; `make <target> ARGS=<promise>` measures a row again."""
    return Page(title, words, COLUMNS, partial(_cells, target), _failed)


def _cells(target: str, finding: Finding) -> tuple[str, ...]:
    command = f"`make {target} ARGS={finding.promise}`"
    verdict = "pass" if finding.holds else "**FAIL**"
    return finding.promise, finding.what, finding.bar, finding.measured, command, verdict


def _failed(name: str, error: str) -> Finding:
    return Finding(name, "the measure itself", "ends without an error", error, holds=False)
