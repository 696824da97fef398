"""Background probe of the measurements, so that /metrics answers from memory."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import structlog

from common.config.keys import (
    GEMINI_DAILY_COST_BUDGET_USD,
    GEMINI_DAILY_REQUEST_BUDGET,
    GEMINI_FALLBACK_MODELS,
    GEMINI_MODEL,
    MARKETS,
)
from common.config.repository import ConfigRepository
from common.errors import ServiceError
from common.tasks import Background
from common.telemetry.names import LogEvent
from health.metrics.measurements import Measurements
from health.metrics.repository import MeasurementsRepository

# As often as Prometheus usually asks.
READ_SECONDS = 10.0
AGAIN_SECONDS = 2.0


class MeasurementsProbe(Background):
    """Keeps `measurements`, None before the first; what cannot be read stays as it was, and candles age."""

    def __init__(self, repository: MeasurementsRepository, config: ConfigRepository) -> None:
        super().__init__("measurements_probe", self._probe)
        self._repository = repository
        self._config = config
        self._is_failing = False
        self._log = structlog.get_logger("health.metrics.probe")
        self.measurements: Measurements | None = None

    async def _probe(self) -> None:
        while True:
            try:
                await self._read_stored()
            except ServiceError as error:
                if not self._is_failing:
                    self._log.warning(LogEvent.PROBE_FAILED, probe="measurements", error=str(error))
                self._is_failing = True
            else:
                self._is_failing = False
            await asyncio.sleep(AGAIN_SECONDS if self._is_failing else READ_SECONDS)

    async def _read_stored(self) -> None:
        get = self._config.get
        markets: list[str] = await get(MARKETS)
        stored, used, database_bytes = await self._repository.read(markets)
        models = [await get(GEMINI_MODEL), *await get(GEMINI_FALLBACK_MODELS)]
        self.measurements = Measurements(
            markets=stored,
            database_bytes=database_bytes,
            gemini_requests=dict.fromkeys(models, 0) | {usage.model: usage.requests for usage in used},
            gemini_cost_usd=sum((usage.cost_usd for usage in used), Decimal(0)),
            gemini_request_budget=await get(GEMINI_DAILY_REQUEST_BUDGET),
            gemini_cost_budget_usd=await get(GEMINI_DAILY_COST_BUDGET_USD),
        )
