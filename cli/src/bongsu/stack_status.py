"""Status of a stack: what health answers of its components and markets."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from bongsu.output import number

NO_ANSWER = (httpx.HTTPError, httpx.InvalidURL, ValueError)
# Of what /api/v1/signals says of a signal.
SIGNAL_FIELDS = ("candle_timestamp", "signal_type", "confidence", "source", "cause", "created_at")


class MarketsUnknownError(Exception):
    """Health has no answer about the markets now; the text is its reason."""


@dataclass(frozen=True)
class StackStatus:
    """One look at a stack: health's status answer and the markets' overview, {} for what is not known."""

    answer: dict[str, Any] = field(default_factory=dict)
    overview: dict[str, Any] = field(default_factory=dict)

    @property
    def health(self) -> str:
        """The status, and in brackets each flaw."""
        if not self.answer:
            return "health does not answer"
        flaws = "; ".join(self.answer["flaws"])
        return str(self.answer["status"]) + (f" ({flaws})" if flaws else "")

    @property
    def markets(self) -> list[dict[str, Any]]:
        """The overview's markets, [] when unknown."""
        return list(self.overview.get("markets", []))


async def read_status(client: httpx.AsyncClient, health_url: str, before: StackStatus) -> StackStatus:
    """Return the status now; what does not answer is left out.

    Args:
        before: The last status; a signal that it has is not read again.
    """

    async def status() -> dict[str, Any]:
        try:
            answer = await get_document(client, f"{health_url}/api/v1/status")
        except NO_ANSWER:
            return {}
        return answer if "flaws" in answer else {}

    async def overview() -> dict[str, Any]:
        try:
            return await read_overview(client, health_url, before.markets)
        except (*NO_ANSWER, MarketsUnknownError):
            return {}

    return StackStatus(*await asyncio.gather(status(), overview()))


async def read_overview(
    client: httpx.AsyncClient, health_url: str, known: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Return the exchange's time, and each market's newest candle and signal, and its gaps.

    Args:
        known: Markets of an earlier overview.

    Raises:
        MarketsUnknownError: Health cannot read its database.
        httpx.HTTPError, ValueError: Health does not answer, or with something else.
    """
    answer = await get_document(client, f"{health_url}/api/v1/markets")
    rows = _required(answer, "markets")
    signals = {market["market"]: market["newest_signal"] for market in known}
    for row in rows:
        newest = signals.get(row["market"])
        if row["newest_signal_at"] != (newest or {}).get("candle_timestamp"):
            # One after the other: health lets two reads at once into its database.
            signals[row["market"]] = await _newest_signal(client, health_url, row["market"])
    markets = [
        {
            "market": row["market"],
            "newest_candle": row["newest_candle"]
            and {name: row["newest_candle"][name] for name in ("timestamp", "close")},
            "newest_signal": signals.get(row["market"]),
            "gaps": {"open": row["open_gap_minutes"]},
        }
        for row in rows
    ]
    return {"exchange_time": answer.get("exchange_time"), "markets": markets}


async def get_document(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    """Return the JSON object at a URL, {} for any other JSON; one of NO_ANSWER where there is none."""
    document = (await client.get(url)).json()
    return document if isinstance(document, dict) else {}


def changes(before: StackStatus, now: StackStatus) -> list[str]:
    """Return a line for each thing that changed between two looks."""
    lines = []
    if now.health != before.health:
        lines.append(f"health: {now.health}")
    known = {market["market"]: market for market in before.markets}
    for market in now.markets:
        name, old = market["market"], known.get(market["market"], {})
        if market.get("newest_candle") and market.get("newest_candle") != old.get("newest_candle"):
            lines.append(f"{name}: candle {candle_text(market)}")
        if market.get("newest_signal") and market.get("newest_signal") != old.get("newest_signal"):
            lines.append(f"{name}: signal {signal_text(market)}")
    return lines


def candle_text(market: Mapping[str, Any]) -> str:
    """Return the newest candle of a market in words."""
    candle = market.get("newest_candle")
    return f"{candle.get('timestamp')} at {number(candle.get('close'))}" if candle else "none yet"


def signal_text(market: Mapping[str, Any]) -> str:
    """Return the newest signal of a market in words."""
    signal = market.get("newest_signal")
    if not signal:
        return "none yet"
    cause = f", {signal['cause']}" if signal.get("cause") else ""
    return (
        f"{signal.get('signal_type')} {signal.get('confidence')} for {signal.get('candle_timestamp')}"
        f" ({signal.get('source')}{cause})"
    )


async def _newest_signal(client: httpx.AsyncClient, health_url: str, market: str) -> dict[str, Any] | None:
    url = httpx.URL(f"{health_url}/api/v1/signals", params={"market": market, "limit": 1})
    signals = _required(await get_document(client, str(url)), "signals")
    return {name: signals[0].get(name) for name in SIGNAL_FIELDS} if signals else None


def _required(answer: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    if name not in answer:
        raise MarketsUnknownError(str(answer.get("detail", "no reason is given")))
    return list(answer[name])
