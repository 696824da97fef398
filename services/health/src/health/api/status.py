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


class StatusMonitor(Background):
    """Checks once a second; that costs a poll of the instances in five seconds and no query."""

    def __init__(self, service: HealthService) -> None:
        super().__init__("status_monitor", self._monitor)
        self._service = service
        # Of each component and of all together: the status and since when it holds.
        self._known: dict[str, tuple[str, datetime]] = {}

    async def check(self) -> StatusAnswer:
        """Return how everything is now."""
        detail = await self._service.detail()
        readiness = self._service.readiness()
        components = tuple(
            ComponentSince(
                **dict(component),
                since=self._since(component.name, component.status, detail.timestamp),
            )
            for component in detail.components
        )
        return StatusAnswer(
            status=detail.status,
            since=self._since(OVERALL, detail.status, detail.timestamp),
            timestamp=detail.timestamp,
            version=detail.version,
            flaws=summarize(detail).flaws,
            bus=readiness.bus,
            database=readiness.database,
            components=components,
            services=detail.services,
        )

    def _since(self, name: str, status: str, now: datetime) -> datetime:
        known = self._known.get(name)
        if known is None or known[0] != status:
            known = self._known[name] = (status, now)
        return known[1]

    async def _monitor(self) -> None:
        while True:
            await self.check()
            await asyncio.sleep(CHECK_SECONDS)
