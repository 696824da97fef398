"""Which span of time does a command mean? `--from` and `--to`, in UTC, the latter exclusive."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from bongsu.errors import UsageError

Since = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="From this minute on, UTC: 2026-01-13T09:59.")
]
Until = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Up to this minute, exclusive, UTC.")]


def time_range(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """Return both ends in UTC, None for an open one; UsageError for no time, or ends that are swapped."""
    begin, end = _moment("--from", since), _moment("--to", until)
    if begin and end and begin >= end:
        raise UsageError(f"--from {since}: must be earlier than --to {until}; swap them")
    return begin, end


def _moment(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{option} {text[:40]!r}: must be a UTC time such as 2026-01-13T09:59") from error
