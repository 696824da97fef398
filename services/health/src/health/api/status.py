"""How is everything, and since when? Looked at every second, so that `since` is true without any caller."""

from __future__ import annotations

import asyncio

from common.tasks import cancel_tasks, run_forever
from health.api.schemas import ComponentSince, StatusAnswer
from health.api.since import Since
from health.checks.aggregate import summarize
from health.service import HealthService

LOOK_SECONDS = 1.0
OVERALL = "overall"


class StatusMonitor:
    """Judges once a second; a look costs a roll call in five seconds and no query."""

    def __init__(self, service: HealthService) -> None:
        self._service = service
        self._since = Since()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(run_forever("status_watch", self._watch))

    async def stop(self) -> None:
        """Stop looking."""
        await cancel_tasks([self._task])

    async def check(self) -> StatusAnswer:
        """Return how everything is now."""
        detail = await self._service.detail()
        readiness = self._service.readiness()
        components = tuple(
            ComponentSince(
                **dict(component), since=self._since.note(component.name, component.status, detail.timestamp)
            )
            for component in detail.components
        )
        return StatusAnswer(
            status=detail.status,
            since=self._since.note(OVERALL, detail.status, detail.timestamp),
            timestamp=detail.timestamp,
            version=detail.version,
            flaws=summarize(detail).flaws,
            bus=readiness.bus,
            database=readiness.database,
            components=components,
            services=detail.services,
        )

    async def _watch(self) -> None:
        while True:
            await self.check()
            await asyncio.sleep(LOOK_SECONDS)
