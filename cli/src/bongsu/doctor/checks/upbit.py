"""Upbit check: it answers, knows the markets, and agrees with our clock. One public request, no retry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from bongsu.doctor.checks.clock import judge_clock, seconds_ahead
from bongsu.doctor.finding import Finding, ok, problem, unknown, warning
from bongsu.doctor.target import Target
from common.clock import utc_now

CHECK = "upbit"
CLOCK = "of the exchange"
ANSWER_SECONDS = 5.0
# Of which a Date consists.
WHOLE_SECONDS = 1.0


async def check_exchange(target: Target, markets: Sequence[str]) -> list[Finding]:
    """Ask for the list of markets; `markets` are those that are to be collected."""
    url = target.upbit_url
    try:
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=not target.is_simulated) as client:
            asked = utc_now()
            answer = await client.get(f"{url}/v1/market/all")
            answered = utc_now()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return [
            problem(
                CHECK, f"{url} cannot be reached ({type(error).__name__})", "check network and UPBIT_BASE_URL"
            )
        ]
    if answer.status_code in (418, 429):
        return [
            warning(
                CHECK,
                f"{url} answers {answer.status_code}: this address asks too much and is blocked for a while",
                "wait; let only one stack run at one address",
            )
        ]
    listed = _listed(answer)
    if not answer.is_success or listed is None:
        return [
            problem(
                CHECK,
                f"{url} answers with status {answer.status_code}",
                "try again later, or check UPBIT_BASE_URL",
            )
        ]
    known = ok(CHECK, f"{url} answers and knows every market")
    if absent := sorted(set(markets) - listed):
        known = problem(
            CHECK,
            f"{url} knows no {', '.join(absent)}, of which candles are to be collected",
            "bongsu config set markets '[\"KRW-BTC\"]', or those that you mean",
        )
    if target.has_its_own_clock:
        return [known, unknown(f"clock {CLOCK}", "it replays a recording and has a clock of its own")]
    return [known, _judge_time(answer, asked, answered)]


def _listed(answer: httpx.Response) -> frozenset[str] | None:
    try:
        return frozenset(str(row["market"]) for row in answer.json())
    except (ValueError, TypeError, KeyError):
        return None


def _judge_time(answer: httpx.Response, asked: datetime, answered: datetime) -> Finding:
    try:
        theirs = parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC)
    except (ValueError, KeyError):
        return unknown(f"clock {CLOCK}", "its answer names no time")
    ahead = seconds_ahead(theirs, asked=asked, answered=answered, resolution_seconds=WHOLE_SECONDS)
    return judge_clock(CLOCK, ahead)
