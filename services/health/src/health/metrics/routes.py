"""`GET /metrics`, from memory, in the format that Prometheus asks for."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from common.clock import ExchangeClock
from health.checks.aggregate import judge
from health.metrics.counters import Counters
from health.metrics.families import families
from health.metrics.probe import MeasurementsProbe
from health.service import HealthService


class _Once(Collector):
    """The metrics of one answer."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """Return the metrics; once."""
        return self._metrics


def build_metrics(
    answers: HealthService,
    probe: MeasurementsProbe,
    exchange: ExchangeClock,
    counters: Counters,
    *,
    version: str,
) -> APIRouter:
    """Return the route."""
    router = APIRouter()

    @router.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        facts = await answers.facts()
        known = families(facts, judge(facts, version=version), probe.measurements, exchange.now)
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        body = encode(_Once(chain(known, counters.families())))
        return Response(body, media_type=content_type, headers={"Cache-Control": "no-store"})

    return router
