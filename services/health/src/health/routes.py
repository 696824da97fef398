"""HTTP routes of /health: the summary, liveness, readiness and the detail."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel

from health.checks.aggregate import summarize
from health.http.responses import reply
from health.schemas import DetailedHealthResponse, HealthSummary, Liveness, Readiness
from health.service import HealthService


def build_health(service: HealthService) -> APIRouter:
    """Return the routes; 503 stands for unhealthy and for not ready."""
    routes = APIRouter(prefix="/health")

    @routes.get("", response_model=HealthSummary, responses=_unhealthy(HealthSummary))
    async def health() -> Response:
        """Return the overall status; 503 when it is unhealthy."""
        found = await service.detail()
        return reply(summarize(found), _status_code(found))

    @routes.get("/live", response_model=Liveness)
    async def live() -> Response:
        """Return 200 for as long as the process answers, whatever else is broken."""
        return reply(Liveness())

    @routes.get("/ready", response_model=Readiness, responses=_unhealthy(Readiness))
    async def ready() -> Response:
        """Return 200 when this instance has its bus and its database, else 503."""
        readiness = service.readiness()
        return reply(readiness, 200 if readiness.status == "ready" else 503)

    @routes.get(
        "/detail", response_model=DetailedHealthResponse, responses=_unhealthy(DetailedHealthResponse)
    )
    async def detail() -> Response:
        """Return every component and every instance; status code as /health."""
        found = await service.detail()
        return reply(found, _status_code(found))

    return routes


def _status_code(detail: DetailedHealthResponse) -> int:
    return 503 if detail.status == "unhealthy" else 200


def _unhealthy(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    return {503: {"model": model, "description": "not healthy, and why"}}
