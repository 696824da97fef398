"""Options that several commands share: the market, and the span of time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from bongsu.database.queries import stored_markets
from bongsu.errors import CommandError, UsageError
from common.clock import utc_now
from common.database.pool import Database
from common.events import MARKET_PATTERN

SPAN = re.compile(r"([0-9]{1,6})([smhd])")
SECONDS_OF = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

Since = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="From this minute on, UTC: 2026-01-13T09:59.")
]
Until = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Up to this minute, exclusive, UTC.")]


def _spelled_right(market: str | None) -> str | None:
    if market is None or re.fullmatch(MARKET_PATTERN, market):
        return market
    near = market.strip().upper()
    fix = f"did you mean {near}?" if re.fullmatch(MARKET_PATTERN, near) else "`bongsu status` lists them"
    raise UsageError(f"--market {market[:40]!r}: must be written like KRW-BTC; {fix}")


Market = Annotated[
    str | None,
    typer.Option(
        "--market", metavar="MARKET", help="Only this market, as in KRW-BTC.", callback=_spelled_right
    ),
]


async def require_known_market(source: Database, market: str | None) -> list[str]:
    """Return the markets there are; CommandError that names them where `market` is none of them."""
    known = await stored_markets(source)
    if market and known and market not in known:
        raise CommandError(f"--market {market}: no candle of it is stored; there are {', '.join(known)}")
    return known


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
