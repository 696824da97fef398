"""`bongsu status`: health, services and the newest data of a running stack."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import typer

from bongsu.context import DEFAULT_DATA_DIR, AsJson, DataDir, StackContext, load_context
from bongsu.database.queries import MarketCounts, count_rows
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
    stack = load_context(data_dir)
    detail, overview, unknown = asyncio.run(_read(stack))
    if as_json:
        print_json({"health": detail, "overview": overview})
    else:
        _print(stack.health_url, detail, overview)
    for text in unknown:
        note(text)
    if detail.get("status") == "unhealthy":
        raise typer.Exit(EXIT_FAILED)


async def _read(stack: StackContext) -> tuple[dict[str, Any], dict[str, Any] | None, list[str]]:
    """Return health's detail answer, the overview where it is known, and a sentence for what is not."""
    url = f"{stack.health_url}/health/detail"
    try:
        # Never through a proxy: the stack is here, or in a network of ours.
        async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT_SECONDS) as client:
            detail = await get_document(client, url)
            if "components" not in detail:
                raise UnreachableError(f"{stack.health_url} is not Bongsu's health service; check HEALTH_URL")
            url = f"{stack.health_url}/api/v1/markets"
            overview = await read_overview(client, stack.health_url)
    except NO_ANSWER as error:
        raise UnreachableError(
            f"{url} does not answer ({type(error).__name__}); start the stack with `make run`, or check"
            " HEALTH_URL"
        ) from error
    except MarketsUnknownError as error:
        # Health answers without its database.
        return detail, None, [f"the newest data is not known now: {error}"]
    return detail, overview, await _add_counts(stack, overview["markets"])


async def _add_counts(stack: StackContext, markets: list[dict[str, Any]]) -> list[str]:
    """Add to each market how much of it is stored, None where that is not known; return why it is not."""
    counts: dict[str, MarketCounts] = {}
    unknown = []
    try:
        counts = await count_rows(stack.database_url, [market["market"] for market in markets])
    except CommandError as error:
        unknown.append(f"how much is stored is not known now: {error}")
    for market in markets:
        known = counts.get(market["market"])
        market["candles"] = known and known.candles
        market["signals"] = known and known.signals
        market["gaps"]["confirmed_empty"] = known and known.confirmed_empty
    return unknown


def _print(url: str, detail: dict[str, Any], overview: dict[str, Any] | None) -> None:
    say(f"{detail.get('status')}  {url}/  {detail.get('timestamp')}")
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
    if overview:
        rows = [row for market in overview["markets"] for row in _rows(market)]
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
