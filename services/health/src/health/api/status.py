"""Status monitor: checks everything once a second, so that `since` is true without any caller."""

from __future__ import annotations

import asyncio
from datetime import datetime

from common.tasks import Background
from health.api.schemas import ComponentSince, StatusAnswer
from health.checks.aggregate import summarize
from health.service import HealthService

CHECK_SECONDS = 1.0
OVERALL = "overall"


class Since:
    """Remembers when each named thing took the status that it has; times come from the caller."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, datetime]] = {}

    def record(self, name: str, status: str, now: datetime) -> datetime:
        """Record a status and return since when it holds."""
        known = self._known.get(name)
        if known is None or known[0] != status:
            known = self._known[name] = (status, now)
        return known[1]


class StatusMonitor(Background):
    """Checks once a second; that costs a poll of the instances in five seconds and no query."""

    def __init__(self, service: HealthService) -> None:
        super().__init__("status_monitor", self._monitor)
        self._service = service
        self._since = Since()

    async def check(self) -> StatusAnswer:
        """Return how everything is now."""
        detail = await self._service.detail()
        readiness = self._service.readiness()
        components = tuple(
            ComponentSince(
                **dict(component),
                since=self._since.record(component.name, component.status, detail.timestamp),
            )
            for component in detail.components
        )
        return StatusAnswer(
            status=detail.status,
            since=self._since.record(OVERALL, detail.status, detail.timestamp),
            timestamp=detail.timestamp,
            version=detail.version,
            flaws=summarize(detail).flaws,
            bus=readiness.bus,
            database=readiness.database,
            components=components,
            services=detail.services,
        )

    async def _monitor(self) -> None:
        while True:
            await self.check()
            await asyncio.sleep(CHECK_SECONDS)
