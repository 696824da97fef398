"""What was decided lately? `bongsu signals`."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from bongsu.output import print_json, print_table
from bongsu.repository import database, newest_signals
from bongsu.running_stack import DEFAULT_DATA_DIR, AsJson, DataDir, find_stack


def signals(
    market: Annotated[str | None, typer.Option(help="Only this market, as in KRW-BTC.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 20,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Show the newest signals, the last decided first."""
    rows = asyncio.run(_read(find_stack(data_dir).database_url, market, limit))
    if as_json:
        print_json(rows)
        return
    columns = ("created_at", "symbol", "candle_timestamp", "signal_type", "confidence", "source", "cause")
    print_table(
        "Signals",
        (*columns, "price", "reasoning"),
        [
            (*(row[column] for column in columns), row["price_at_signal"], row["reasoning"][:120])
            for row in rows
        ],
    )


async def _read(url: str, market: str | None, limit: int) -> list[dict[str, Any]]:
    async with database(url) as opened:
        return await newest_signals(opened, market=market, limit=limit)
