"""`bongsu gaps`: minutes without a candle, and the evidence for each."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from bongsu.commands.options import Market, Since, Until, require_known_market, time_range
from bongsu.context import DEFAULT_DATA_DIR, AsJson, DataDir, load_context
from bongsu.database.gaps import gap_sums, newest_gaps
from bongsu.database.queries import RowQuery, database
from bongsu.output import in_minutes, number, print_json, print_market_table, say
from common.gaps import GapStatus

Status = Annotated[
    GapStatus | None,
    typer.Option(
        metavar="STATUS", help="Only open (still missing), repaired, or confirmed_empty (without trades)."
    ),
]
Limit = Annotated[int, typer.Option(metavar="N", min=1, max=1_000_000, help="How many at most.")]


def gaps(
    market: Market = None,
    status: Status = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 20,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Show which minutes have or had no candle, and the evidence.

    The sums are of the minutes in the time asked for, whatever their status; below them are the gaps that
    reach into it, newest first.

    As in: bongsu gaps --status open --market KRW-BTC
    """
    query = RowQuery(market, *time_range(since, until))
    sums, rows, begun = asyncio.run(_read(load_context(data_dir).database_url, query, status, limit))
    if as_json:
        print_json({"markets": sums, "gaps": rows})
    elif not begun:
        say("no candle is stored yet")
    else:
        _print(sums, rows)


async def _read(
    url: str, query: RowQuery, status: GapStatus | None, limit: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], bool]:
    """Return sums, gaps, and whether a candle was ever stored: before the first one nothing is missing."""
    async with database(url) as opened:
        sums = await gap_sums(opened, query)
        if not sums:
            return [], [], bool(await require_known_market(opened, query.market))
        return sums, await newest_gaps(opened, query, status=status, limit=limit), True


def _print(sums: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    for each in sums:
        missing, repaired, empty = (
            number(each[f"{status}_minutes"]) for status in ("open", "repaired", "confirmed_empty")
        )
        say(f"{each['market']}: {missing} minutes open, {repaired} repaired, {empty} confirmed empty")
    is_missing = any(each["open_minutes"] for each in sums)
    if not is_missing:
        say("nothing is missing")
    if rows:
        say("")
        columns = ("from", "to", "minutes", "status", "detected", "resolved", "evidence")
        cells = [(row["market"], _cells(row)) for row in rows]
        print_market_table("Gaps", columns, cells, wrapped=len(columns))
    elif is_missing:
        say("no gap matches")


def _cells(row: dict[str, Any]) -> tuple[object, ...]:
    return (
        in_minutes(row["from_time"]),
        in_minutes(row["to_time"]),
        row["minutes"],
        row["status"],
        in_minutes(row["detected_at"]),
        in_minutes(row["resolved_at"]) if row["resolved_at"] else None,
        row["evidence"],
    )
