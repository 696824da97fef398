"""What was decided lately? `bongsu signals`."""

from __future__ import annotations

import asyncio
import textwrap
from typing import Annotated, Any

import typer

from bongsu.commands.market import Market, refuse_unknown
from bongsu.output import in_minutes, print_json, print_table, say
from bongsu.repository import database, newest_signals
from bongsu.running_stack import DEFAULT_DATA_DIR, AsJson, DataDir, find_stack

REASON_LENGTH = 120


def signals(
    market: Market = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="How many at most.")] = 20,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Show the newest signals, and why each was decided."""
    rows = asyncio.run(_read(find_stack(data_dir).database_url, market, limit))
    if as_json:
        print_json(rows)
    elif not rows:
        say("no signal is stored yet; `bongsu status` tells whether one is due")
    else:
        print_table(
            "Signals, newest first (UTC)",
            ("minute", "market", "signal", "price", "by", "why"),
            [_shown(row) for row in rows],
        )


def _shown(row: dict[str, Any]) -> tuple[object, ...]:
    why = row["reasoning"] if row["cause"] is None else f"{row['cause']}; {row['reasoning']}"
    return (
        in_minutes(row["candle_timestamp"]),
        row["symbol"],
        f"{row['signal_type']:4} {row['confidence']}",
        row["price_at_signal"],
        row["source"],
        textwrap.shorten(why, REASON_LENGTH, placeholder=" …"),
    )


async def _read(url: str, market: str | None, limit: int) -> list[dict[str, Any]]:
    async with database(url) as opened:
        rows = await newest_signals(opened, market=market, limit=limit)
        if not rows:
            await refuse_unknown(opened, market)
        return rows
