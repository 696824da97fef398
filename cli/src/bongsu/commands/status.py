"""`bongsu status`: health, services and the newest data of a running stack."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import typer

from bongsu.context import DEFAULT_DATA_DIR, AsJson, DataDir, StackContext, load_context
from bongsu.database.queries import database
from bongsu.database.row_counts import MarketCounts, count_rows
from bongsu.errors import EXIT_FAILED, CommandError, UnreachableError
from bongsu.output import note, number, print_json, print_table, say
from bongsu.stack_status import (
    NO_ANSWER,
    MarketsUnknownError,
    candle_text,
    get_document,
    read_overview,
    signal_text,
)

TIMEOUT_SECONDS = 5.0


def status(data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    """Show health, services and the newest data.

    Exit code 1 when the stack is unhealthy.

    As in: bongsu status --json
    """
    found = asyncio.run(_read(load_context(data_dir)))
    if as_json:
        print_json({"health": found.detail, "overview": found.overview})
    else:
        _print(found)
    for text in found.unknown:
        note(text)
    if found.detail.get("status") == "unhealthy":
        raise typer.Exit(EXIT_FAILED)


@dataclass
class _Found:
    """What is known of a stack; `unknown` says in sentences what is not."""

    url: str
    detail: dict[str, Any]
    overview: dict[str, Any] | None = None
    unknown: list[str] = field(default_factory=list)


async def _read(stack: StackContext) -> _Found:
    url = stack.health_url

    async def counts(markets: Sequence[str]) -> dict[str, MarketCounts]:
        try:
            async with database(stack.database_url) as opened, opened.connection() as connection:
                return await count_rows(connection, markets)
        except CommandError as error:
            found.unknown.append(f"how much is stored is not known now: {error}")
            return {}

    asked = f"{url}/health/detail"
    try:
        # Never through a proxy: the stack is here, or in a network of ours.
        async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT_SECONDS) as client:
            found = _Found(url, await get_document(client, asked))
            if "components" not in found.detail:
                raise UnreachableError(f"{url} is not Bongsu's health service; check HEALTH_URL")
            asked = f"{url}/api/v1/markets"
            found.overview = await read_overview(client, url, counts)
    except NO_ANSWER as error:
        raise UnreachableError(
            f"{asked} does not answer ({type(error).__name__}); start the stack with `make run`, or check"
            " HEALTH_URL"
        ) from error
    except MarketsUnknownError as error:
        # Health answers without its database.
        found.unknown.append(f"the newest data is not known now: {error}")
    return found


def _print(found: _Found) -> None:
    detail = found.detail
    say(f"{detail.get('status')}  {found.url}/  {detail.get('timestamp')}")
    say("")
    print_table(
        "Components",
        ("component", "status", "ms", "message"),
        [(row["name"], row["status"], row["latency_ms"], row["message"]) for row in detail["components"]],
    )
    say("")
    print_table(
        "Services",
        ("service", "status", "up s", "instance", "message"),
        [
            (row["name"], row["status"], row["uptime_s"], row["instance"] or "missing", row.get("message"))
            for row in detail.get("services", [])
        ],
    )
    if found.overview:
        rows = [row for market in found.overview["markets"] for row in _rows(market)]
        say("")
        print_table("Markets", ("market", "what", "stored"), rows)


def _rows(market: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (market["market"], "candles", _counted(market["candles"], candle_text(market))),
        ("", "signals", _counted(market["signals"], signal_text(market))),
        ("", "gaps", f"{number(market['gaps']['open'])} minutes are missing"),
    ]


def _counted(count: int | None, newest: str) -> str:
    return f"newest {newest}" if count is None else f"{number(count)}, newest {newest}"
