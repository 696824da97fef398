"""`bongsu candles`: shows stored candles, or writes them to a recording."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bongsu.commands.options import Market, Since, Until, require_known_market, time_range
from bongsu.context import DEFAULT_DATA_DIR, AsJson, DataDir, load_context
from bongsu.database.export import write_recording
from bongsu.database.queries import RowQuery, StoredCandle, database, newest_candles
from bongsu.errors import CommandError
from bongsu.output import in_minutes, print_json, print_market_table, say

SHOWN = 20
MOST = 100_000_000
# People read four places of a volume; --json has them all.
VOLUME_PLACES = 4

Limit = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, max=MOST, help=f"How many at most; {SHOWN}, or all with --export."),
]
Export = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write a recording for `bongsu up --replay`; packed if named .gz."),
]


def candles(
    market: Market = None,
    limit: Limit = None,
    since: Since = None,
    until: Until = None,
    export: Export = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Show the newest candles, or write them to a file.

    As in: bongsu candles --market KRW-BTC --limit 5
    """
    query = RowQuery(market, *time_range(since, until))
    url = load_context(data_dir).database_url
    if export:
        written = asyncio.run(_export(url, query, limit, export))
        many = "candle" if written.total() == 1 else "candles"
        if as_json:
            print_json({"path": str(export), "candles": written})
        else:
            say(f"{written.total()} {many} of {', '.join(sorted(written))} written to {export}")
        return
    rows = asyncio.run(_read(url, query, limit or SHOWN))
    if as_json:
        print_json([asdict(row) for row in rows])
    elif not rows:
        say("no candle is stored yet" if query == RowQuery(None, None, None) else "no candle matches")
    else:
        columns = ("minute", "open", "high", "low", "close", "volume")
        print_market_table(
            "Candles", columns, [(row.symbol, _cells(row)) for row in rows], place=1, wrapped=0
        )


async def _read(url: str, query: RowQuery, limit: int) -> list[StoredCandle]:
    async with database(url) as opened:
        rows = [row async for row in newest_candles(opened, query, limit=limit)]
        if not rows:
            await require_known_market(opened, query.market)
        return rows


async def _export(url: str, query: RowQuery, limit: int | None, path: Path) -> Counter[str]:
    async with database(url) as opened:
        async with aclosing(newest_candles(opened, query, limit=limit)) as found:
            written = await write_recording(path, found)
        if not written:
            await require_known_market(opened, query.market)
            raise CommandError(
                "no candle matches, so there is nothing to export; `bongsu candles` shows what is stored"
            )
        return written


def _cells(row: StoredCandle) -> tuple[object, ...]:
    volume = round(row.volume, VOLUME_PLACES)
    return in_minutes(row.timestamp), row.open, row.high, row.low, row.close, volume
