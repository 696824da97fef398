"""HTTP routes of /api/v1, and the rules of their parameters; all of them only read."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import AfterValidator, AwareDatetime

from common.config.keys import REGISTRY
from common.events import MARKET_PATTERN, Action
from common.gaps import GapStatus
from health.api.pagination import PageToken
from health.api.schemas import (
    BudgetAnswer,
    CandlesAnswer,
    ConfigAnswer,
    ConfigHistoryAnswer,
    GapsAnswer,
    JobsAnswer,
    MarketsAnswer,
    SignalRecord,
    SignalsAnswer,
    StatusAnswer,
)
from health.api.service import FIRST, LAST, ApiService
from health.api.status import StatusMonitor
from health.http.responses import PROBLEM_CONTENT, problem, reply

MOST_CANDLES = 1500
MOST_ROWS = 200


def _within_reach(moment: datetime) -> datetime:
    if not FIRST <= moment <= LAST:
        raise ValueError(f"must be a time from {FIRST.year} to {LAST.year}")
    return moment


Time = Annotated[AwareDatetime, AfterValidator(_within_reach)]
Market = Annotated[str, Query(pattern=MARKET_PATTERN, description="A market code, as in KRW-BTC.")]
From = Annotated[Time, Query(alias="from", description="Start of the range.")]
To = Annotated[Time, Query(alias="to", description="End of the range, exclusive.")]
Rows = Annotated[int, Query(ge=1, le=MOST_ROWS, description="How many at most.")]
Limit = Annotated[int, Query(ge=1, le=MOST_CANDLES, description="How many at most.")]

REFUSED = {"description": "a parameter breaks its rule", "content": PROBLEM_CONTENT}
AWAY = {"description": "PostgreSQL is away or slow", "content": PROBLEM_CONTENT}
UNKNOWN = {"description": "there is none of this id", "content": PROBLEM_CONTENT}
READING: dict[int | str, dict[str, Any]] = {503: AWAY}
ASKING: dict[int | str, dict[str, Any]] = {422: REFUSED, 503: AWAY}


def build_api(monitor: StatusMonitor, service: ApiService) -> APIRouter:
    """Return the routes; every answer is masked and of this moment."""
    api = APIRouter(prefix="/api/v1")

    @api.get("/status", response_model=StatusAnswer)
    async def status() -> Response:
        """Return how everything is and since when; 200 also when it is unhealthy."""
        return reply(await monitor.check())

    @api.get("/jobs", response_model=JobsAnswer)
    async def jobs() -> Response:
        """Return each job: its last and next run, and how long its runs took."""
        return reply(service.jobs(await monitor.check()))

    @api.get("/markets", response_model=MarketsAnswer, responses=READING)
    async def markets() -> Response:
        """Return the markets of the settings with their newest price."""
        return reply(await service.markets())

    @api.get("/budget", response_model=BudgetAnswer, responses=READING)
    async def budget() -> Response:
        """Return what Gemini was asked today and may still be asked."""
        return reply(await service.budget())

    @api.get("/candles", response_model=CandlesAnswer, responses=ASKING)
    async def candles(market: Market, start: From = FIRST, end: To = LAST, limit: Limit = 360) -> Response:
        """Return the newest 1-minute candles of a range, oldest first."""
        return _unordered(start, end) or reply(await service.candles(market, start, end, limit))

    @api.get("/gaps", response_model=GapsAnswer, responses=ASKING)
    async def gaps(
        market: Market,
        start: From = FIRST,
        end: To = LAST,
        status: GapStatus | None = None,
        limit: Rows = 100,
    ) -> Response:
        """Return the newest gaps that touch a range, oldest first."""
        return _unordered(start, end) or reply(await service.gaps(market, start, end, status, limit))

    @api.get("/signals", response_model=SignalsAnswer, responses=ASKING)
    async def signals(
        market: Annotated[str | None, Query(pattern=MARKET_PATTERN)] = None,
        action: Action | None = None,
        cursor: Annotated[str | None, Query(description="The next_cursor of the answer before.")] = None,
        limit: Rows = 50,
    ) -> Response:
        """Return signals, newest first: of one market by their minute, of all by when they were made."""
        try:
            after = PageToken.parse(cursor) if cursor is not None else None
        except ValueError as error:
            return _refusal(f"cursor: {error}")
        return reply(await service.signals(market, action, after, limit))

    @api.get("/signals/{signal_id}", response_model=SignalRecord, responses={404: UNKNOWN, **ASKING})
    async def signal(signal_id: UUID) -> Response:
        """Return all that is stored of a signal: what was seen, asked and answered."""
        found = await service.signal(signal_id)
        return reply(found) if found else problem(404, "no signal has this id; /api/v1/signals lists them")

    @api.get("/config", response_model=ConfigAnswer, responses=READING)
    async def config() -> Response:
        """Return every runtime setting as it holds now."""
        return reply(await service.config())

    @api.get("/config/history", response_model=ConfigHistoryAnswer, responses=ASKING)
    async def config_history(
        key: str | None = None,
        before: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="A revision.")] = None,
        limit: Rows = 50,
    ) -> Response:
        """Return who changed what and when, newest first."""
        if key is not None and key not in REGISTRY:
            return _refusal(f"key: must be one of {', '.join(REGISTRY)}")
        return reply(await service.config_history(key, before, limit))

    return api


def _unordered(start: datetime, end: datetime) -> Response | None:
    return None if start < end else _refusal("to: must be later than from")


def _refusal(detail: str) -> Response:
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
