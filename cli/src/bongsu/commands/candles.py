"""Which candles are stored, and how does one make a recording of them? `bongsu candles`."""

from __future__ import annotations

import asyncio
import os
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from bongsu.errors import CommandError, UsageError
from bongsu.output import print_json, print_table, say
from bongsu.repository import StoredCandle, database, newest_candles
from bongsu.running_stack import DEFAULT_DATA_DIR, AsJson, DataDir, find_stack

KOREA = timedelta(hours=9)
LAST_TICK = timedelta(milliseconds=59_999)


def candles(
    market: Annotated[str | None, typer.Option(help="Only this market, as in KRW-BTC.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="How many at most; 20, or all with --export.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="From this minute on, UTC, as in 2026-01-13T09:59.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Up to this minute, exclusive, UTC.")] = None,
    export: Annotated[
        Path | None, typer.Option(help="Write a recording that `bongsu up --replay` reads.")
    ] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Show the newest candles, or write them to a file."""
    start, end = _moment("--from", since), _moment("--to", until)
    count = limit if limit or export else 20
    rows = asyncio.run(_read(find_stack(data_dir).database_url, market, start, end, count))
    if export:
        _write_recording(export, rows)
    elif as_json:
        print_json([asdict(row) for row in rows])
    else:
        columns = ("symbol", "timestamp", "open", "high", "low", "close", "volume", "trade_value")
        print_table("Candles", columns, [tuple(asdict(row).values()) for row in rows])


async def _read(
    url: str, market: str | None, since: datetime | None, until: datetime | None, limit: int | None
) -> list[StoredCandle]:
    async with database(url) as opened:
        return await newest_candles(opened, market=market, since=since, until=until, limit=limit)


def _moment(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option} {text[:40]!r}: must be a UTC time such as 2026-01-13T09:59") from error
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _write_recording(path: Path, rows: list[StoredCandle]) -> None:
    """Write Upbit's own 1-minute candle JSON, newest first, complete or not at all."""
    if not rows:
        raise CommandError("no candle matches, so there is nothing to export")
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text("[\n" + ",\n".join(_upbit_row(row) for row in rows) + "\n]\n", encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise CommandError(f"{path} cannot be written: {error.strerror}") from error
    say(f"{len(rows)} candles of {', '.join(sorted({row.symbol for row in rows}))} written to {path}")


def _upbit_row(row: StoredCandle) -> str:
    # Written by hand: json would turn the decimals into floats and lose digits.
    opened = row.timestamp.astimezone(UTC)
    last_tick = int((opened + LAST_TICK).timestamp() * 1000)
    return (
        f'{{"market":"{row.symbol}"'
        f',"candle_date_time_utc":"{opened:%Y-%m-%dT%H:%M:%S}"'
        f',"candle_date_time_kst":"{opened + KOREA:%Y-%m-%dT%H:%M:%S}"'
        f',"opening_price":{row.open:f},"high_price":{row.high:f},"low_price":{row.low:f}'
        f',"trade_price":{row.close:f},"timestamp":{last_tick}'
        f',"candle_acc_trade_price":{row.trade_value:f},"candle_acc_trade_volume":{row.volume:f}'
        f',"unit":1}}'
    )
