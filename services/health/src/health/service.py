"""Health's service layer: poll the instances, gather the facts, judge them."""

from __future__ import annotations

from common.clock import utc_now
from health.checks.aggregate import judge
from health.domain import Facts
from health.instances.poll import InstancePoll
from health.probes.database import DatabaseProbe
from health.probes.disk import DiskProbe
from health.probes.streams import StreamProbe
from health.schemas import DetailedHealthResponse, Readiness


class HealthService:
    """Answers from memory, but for the poll of the instances: at most 0.8 s, every five seconds."""

    def __init__(
        self,
        *,
        instances: InstancePoll,
        database: DatabaseProbe,
        streams: StreamProbe,
        disk: DiskProbe,
        version: str,
    ) -> None:
        self._instances = instances
        self._database = database
        self._streams = streams
        self._disk = disk
        self._version = version

    async def detail(self) -> DetailedHealthResponse:
        """Return everything that is known now."""
        return judge(await self.facts(), version=self._version)

    async def facts(self) -> Facts:
        """Return what everything is judged by."""
        await self._instances.refresh()
        return Facts(
            now=utc_now(),
            database=self._database.reading,
            streams=self._streams.reading,
            disk=self._disk.reading,
            **vars(self._instances.snapshot()),
        )

    def readiness(self) -> Readiness:
        """Return whether this instance has its bus and its database."""
        bus = self._instances.bus_error is None
        database = self._database.reading.error is None
        return Readiness(status="ready" if bus and database else "not ready", bus=bus, database=database)
