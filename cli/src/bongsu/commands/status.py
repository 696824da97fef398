"""How is the running stack? `bongsu status`."""

from __future__ import annotations

from typing import Any

import httpx
import typer

from bongsu.errors import EXIT_FAILED, UnreachableError
from bongsu.output import print_json, print_table, say
from bongsu.running_stack import DEFAULT_DATA_DIR, AsJson, DataDir, find_stack

TIMEOUT_SECONDS = 5.0


def status(data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    """Show health, services and the newest data. Exit code 1 when the stack is unhealthy."""
    url = find_stack(data_dir).health_url
    detail = _get(url, "/health/detail")
    overview = _get(url, "/api/overview")
    if as_json:
        print_json({"health": detail, "overview": overview})
    else:
        _print(url, detail, overview)
    if detail.get("status") == "unhealthy":
        raise typer.Exit(EXIT_FAILED)


def _get(url: str, path: str) -> dict[str, Any]:
    if not url:
        raise UnreachableError("HEALTH_URL is not known; start the stack with `make run` or set it")
    try:
        document: dict[str, Any] = httpx.get(f"{url}{path}", timeout=TIMEOUT_SECONDS).json()
    except (httpx.HTTPError, ValueError) as error:
        raise UnreachableError(
            f"{url}{path} does not answer ({type(error).__name__}); is it running?"
        ) from error
    return document


def _print(url: str, detail: dict[str, Any], overview: dict[str, Any]) -> None:
    say(f"{detail.get('status', 'unknown')}  {url}  {detail.get('timestamp', '')}")
    print_table(
        "Components",
        ("component", "status", "latency ms", "message"),
        [
            (row["name"], row["status"], row["latency_ms"], row["message"])
            for row in detail.get("components", [])
        ],
    )
    print_table(
        "Services",
        ("service", "instance", "status", "uptime s"),
        [
            (row["name"], row["instance"] or "missing", row["status"], row["uptime_s"])
            for row in detail.get("services", [])
        ],
    )
    print_table(
        "Markets",
        ("market", "candles", "newest candle", "close", "signals", "newest signal", "open gaps (min)"),
        [_market_row(row) for row in overview.get("markets", [])],
    )


def _market_row(row: dict[str, Any]) -> tuple[object, ...]:
    candle, signal = row["newest_candle"] or {}, row["newest_signal"] or {}
    decided = f"{signal['signal_type']} {signal['confidence']} ({signal['source']})" if signal else None
    return (
        row["market"],
        row["candles"],
        candle.get("timestamp"),
        candle.get("close"),
        row["signals"],
        decided,
        row["gaps"]["open"],
    )
