"""How does Prometheus get its measurements? `GET /metrics`, from memory, in the format that it asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from common.clock import ExchangeClock
from health.checks.aggregate import judge
from health.metrics.families import families
from health.metrics.probe import MeasurementsProbe
from health.service import HealthService


class _Once(Collector):
    """What is told in one answer."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """Return the metrics; once."""
        return self._metrics


def build_metrics(
    answers: HealthService,
    probe: MeasurementsProbe,
    exchange: ExchangeClock,
    counted: tuple[Callable[[], Iterable[Metric]], ...],
    *,
    version: str,
) -> APIRouter:
    """Return the route; `counted` are those who keep counters of their own."""
    router = APIRouter()

    def metrics_of(answer: Iterator[Metric]) -> Iterator[Metric]:
        yield from answer
        for families_of in counted:
            yield from families_of()

    @router.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        facts = await answers.facts()
        told = families(facts, judge(facts, version=version), probe.measurements, exchange.now)
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        body = encode(_Once(metrics_of(told)))
        return Response(body, media_type=content_type, headers={"Cache-Control": "no-store"})

    return router
