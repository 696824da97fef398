"""Which span of time does a command mean? `--from` and `--to`, in UTC, the latter exclusive; or `--since`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from bongsu.errors import UsageError
from common.clock import utc_now

SPAN = re.compile(r"([0-9]{1,6})([smhd])")
SECONDS_OF = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

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


def span_begin(span: str | None) -> datetime | None:
    """Return when the last `90s`, `30m`, `24h` or `7d` began, None for None; UsageError for no span."""
    if span is None:
        return None
    match = SPAN.fullmatch(span)
    try:
        if match and int(match[1]):
            return utc_now() - timedelta(seconds=int(match[1]) * SECONDS_OF[match[2]])
    except OverflowError:
        pass  # longer ago than the first year there is
    raise UsageError(f"--since {span[:40]!r}: must be a span of time such as 90s, 30m, 24h or 7d")


def _moment(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{option} {text[:40]!r}: must be a UTC time such as 2026-01-13T09:59") from error
