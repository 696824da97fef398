"""Markdown tables and code words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; what would end a cell or be taken for a tag is escaped."""
    lines = [head, ["---"] * len(head), *([_cell(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def code(text: object) -> str:
    """Return a word as code."""
    return f"`{text}`"


def _cell(text: str) -> str:
    if "`" not in text:
        text = text.replace("<", "&lt;")
    return " ".join(text.replace("|", "\\|").split())
