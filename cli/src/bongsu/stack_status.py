"""What does the health service tell about the run, and what of it is new? Pure but for `ask`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx

from bongsu.output import number

ANSWER_SECONDS = 2.0


@dataclass(frozen=True)
class News:
    """One look at health: its detail answer and its overview, {} for what did not answer."""

    detail: dict[str, Any] = field(default_factory=dict)
    overview: dict[str, Any] = field(default_factory=dict)

    @property
    def health(self) -> str:
        """The status, and in brackets each flaw with its reason."""
        if not self.detail:
            return "health does not answer"
        flaws = [_flaw(part) for part in self.detail.get("components", [])]
        flaws += [
            f"{part.get('name')}: missing"
            for part in self.detail.get("services", [])
            if part.get("instance") is None
        ]
        flaws += [
            f"{part.get('name')}: {part['message']}"
            for part in self.detail.get("services", [])
            if part.get("message")
        ]
        listed = "; ".join(flaw for flaw in flaws if flaw)
        return str(self.detail.get("status")) + (f" ({listed})" if listed else "")

    @property
    def markets(self) -> list[dict[str, Any]]:
        """The overview's markets, [] when unknown."""
        return list(self.overview.get("markets", []))


async def ask(client: httpx.AsyncClient, health_url: str) -> News:
    """Return what health says now."""
    detail, overview = await asyncio.gather(
        _get(client, f"{health_url}/health/detail"), _get(client, f"{health_url}/api/overview")
    )
    return News(detail, overview)


def lines(before: News, now: News) -> list[str]:
    """Return a line for each thing that changed between two looks."""
    told = []
    if now.health != before.health:
        told.append(f"health: {now.health}")
    known = {market["market"]: market for market in before.markets}
    for market in now.markets:
        old = known.get(market["market"], {})
        if market.get("newest_candle") and market.get("newest_candle") != old.get("newest_candle"):
            told.append(f"{market['market']}: candle {candle_text(market)}, {market.get('candles')} stored")
        if market.get("newest_signal") and market.get("newest_signal") != old.get("newest_signal"):
            told.append(f"{market['market']}: signal {signal_text(market)}")
    return told


def candle_text(market: dict[str, Any]) -> str:
    """Return the newest candle of a market in words."""
    candle = market.get("newest_candle")
    return f"{candle.get('timestamp')} at {number(candle.get('close'))}" if candle else "none yet"


def signal_text(market: dict[str, Any]) -> str:
    """Return the newest signal of a market in words."""
    signal = market.get("newest_signal")
    if not signal:
        return "none yet"
    cause = f", {signal['cause']}" if signal.get("cause") else ""
    return (
        f"{signal.get('signal_type')} {signal.get('confidence')} for {signal.get('candle_timestamp')}"
        f" ({signal.get('source')}{cause})"
    )


def _flaw(component: dict[str, Any]) -> str:
    if component.get("status") in ("healthy", None):
        return ""
    return f"{component.get('name')} {component['status']}: {component.get('message') or 'no reason given'}"


async def _get(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    try:
        document = (await client.get(url, timeout=ANSWER_SECONDS)).json()
    except (httpx.HTTPError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
