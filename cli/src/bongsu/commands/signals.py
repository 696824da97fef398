"""`bongsu signals` and `bongsu signals show ID`: decisions and their grounds."""

from __future__ import annotations

import asyncio
import json
import re
import textwrap
from typing import Annotated, Any

import typer
from typer._click.core import ParameterSource

from bongsu.commands.options import Market, require_known_market
from bongsu.context import DEFAULT_DATA_DIR, AsJson, DataDir, load_context
from bongsu.database.queries import database, newest_signals, signals_by_id
from bongsu.errors import CommandError, UsageError
from bongsu.output import in_minutes, number, print_json, print_market_table, print_table, say
from bongsu.payload import payload_text

REASON_LENGTH = 120
# As many characters of an id as a table shows; two signals that share them are as good as never stored.
SHOWN_OF_ID = 8
BEGINNING = re.compile(r"[0-9a-f][0-9a-f-]{3,35}")
TEXTS = ("snapshot", "request", "response")

signals = typer.Typer()

Id = Annotated[
    str,
    typer.Argument(metavar="ID", help="Id of a signal, or how it begins; `bongsu signals` shows that."),
]


@signals.callback(invoke_without_command=True)
def list_(
    context: typer.Context,
    market: Market = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="How many at most.")] = 20,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Show the newest signals, and why each was decided.

    As in: bongsu signals --market KRW-BTC --limit 5
    """
    if context.invoked_subcommand:
        _refuse_options(context)
        return
    rows = asyncio.run(_read(load_context(data_dir).database_url, market, limit))
    if as_json:
        print_json(rows)
    elif not rows:
        say("no signal is stored yet; `bongsu status` tells whether one is due")
    else:
        columns = ("id", "minute", "signal", "price", "by", "why")
        print_market_table("Signals", columns, [(row["symbol"], _cells(row)) for row in rows], place=2)


@signals.command("show")
def show(id_: Id, data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    """Show one signal whole: what Gemini saw, was asked, and said.

    As in: bongsu signals show 1f0c2a9e
    """
    beginning = id_.strip().lower()
    if not BEGINNING.fullmatch(beginning):
        raise UsageError(f"ID {id_[:40]!r}: must be the first 4 or more characters of a signal's id")
    signal = asyncio.run(_found(load_context(data_dir).database_url, beginning))
    if as_json:
        print_json(signal | {"snapshot": json.loads(signal["snapshot"])})
    else:
        _print_whole(signal)


def _refuse_options(context: typer.Context) -> None:
    for name in context.params:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise UsageError(
                "options of `bongsu signals show` stand after it; see bongsu signals show --help"
            )


async def _read(url: str, market: str | None, limit: int) -> list[dict[str, Any]]:
    async with database(url) as opened:
        rows = await newest_signals(opened, market=market, limit=limit)
        if not rows:
            await require_known_market(opened, market)
        return rows


async def _found(url: str, beginning: str) -> dict[str, Any]:
    async with database(url) as opened:
        rows = await signals_by_id(opened, beginning, limit=2)
    if not rows:
        raise CommandError(f"no signal's id begins with {beginning}; `bongsu signals` shows the newest ones")
    if len(rows) > 1:
        raise CommandError(f"the ids of several signals begin with {beginning}; give more of it")
    return rows[0]


def _cells(row: dict[str, Any]) -> tuple[object, ...]:
    why = row["reasoning"] if row["cause"] is None else f"{row['cause']}; {row['reasoning']}"
    return (
        row["id"][:SHOWN_OF_ID],
        in_minutes(row["candle_timestamp"]),
        f"{row['signal_type']:4} {row['confidence']}",
        row["price_at_signal"],
        row["source"],
        textwrap.shorten(why, REASON_LENGTH, placeholder=" …"),
    )


def _print_whole(signal: dict[str, Any]) -> None:
    fields = [
        (name, number(value) if name == "price_at_signal" else value)
        for name, value in signal.items()
        if name not in TEXTS and value is not None
    ]
    print_table(f"Signal {signal['id']}", ("field", "value"), [(name, str(value)) for name, value in fields])
    for name in TEXTS:
        if (text := signal[name]) is not None:
            say("")
            say(f"{name}:")
            for line in payload_text(text.encode()).text.splitlines():
                say(line)
