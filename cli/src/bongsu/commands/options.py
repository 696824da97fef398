"""Which market does a command mean, and does it exist?"""

from __future__ import annotations

import re
from typing import Annotated

import typer

from bongsu.database.queries import stored_markets
from bongsu.errors import CommandError, UsageError
from common.database.pool import Database
from common.events import MARKET_PATTERN


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
