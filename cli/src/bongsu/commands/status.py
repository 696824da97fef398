"""How is the running stack? `bongsu status`."""

from __future__ import annotations

from typing import Any

import httpx
import typer

from bongsu.context import DEFAULT_DATA_DIR, AsJson, DataDir, find_stack
from bongsu.errors import EXIT_FAILED, UnreachableError
from bongsu.output import note, number, print_json, print_table, say
from bongsu.up.status import candle_text, signal_text

TIMEOUT_SECONDS = 5.0


def status(data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    """Show health, services and the newest data.

    Exit code 1 when the stack is unhealthy.

    As in: bongsu status --json
    """
    url = find_stack(data_dir).health_url
    detail = _get(f"{url}/health/detail")
    if "components" not in detail:
        raise UnreachableError(f"{url} is not Bongsu's health service; check HEALTH_URL")
    overview = _get(f"{url}/api/overview")
    # Health answers without its database, the overview does not; then it is a problem, not an overview.
    known = overview if "markets" in overview else None
    if as_json:
        print_json({"health": detail, "overview": known})
    else:
        _print(url, detail, known)
    if known is None:
        note(f"the newest data is not known now: {overview.get('detail', 'no reason is given')}")
    if detail.get("status") == "unhealthy":
        raise typer.Exit(EXIT_FAILED)


def _get(url: str) -> dict[str, Any]:
    try:
        # Never through a proxy: the stack is here, or in a network of ours.
        with httpx.Client(trust_env=False, timeout=TIMEOUT_SECONDS) as client:
            document = client.get(url).json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise UnreachableError(
            f"{url} does not answer ({type(error).__name__}); start the stack with `make run`, or check"
            " HEALTH_URL"
        ) from error
    return document if isinstance(document, dict) else {}


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
        say("")
        print_table(
            "Markets", ("market", "what", "stored"), [row for m in overview["markets"] for row in _rows(m)]
        )


def _rows(market: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (market["market"], "candles", f"{number(market['candles'])}, newest {candle_text(market)}"),
        ("", "signals", f"{number(market['signals'])}, newest {signal_text(market)}"),
        ("", "gaps", f"{number(market['gaps']['open'])} minutes are missing"),
    ]
