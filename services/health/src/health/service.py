"""How do the parts become one health answer? Ask the roll, gather the facts, judge."""

from __future__ import annotations

import time

from common.bus.broker import Bus
from common.clock import utc_now
from health.checks.aggregate import judge
from health.domain import Facts
from health.instances.poll import RollCall
from health.instances.registry import Registry
from health.instances.subscriptions import Listening
from health.probes.database import DatabaseProbe
from health.probes.streams import StreamProbe
from health.schemas import DetailedHealthResponse, Readiness


class HealthAnswers:
    """Answers from memory, but for the roll call, which takes at most 0.8 s every five seconds."""

    def __init__(
        self,
        *,
        bus: Bus,
        registry: Registry,
        listening: Listening,
        roll_call: RollCall,
        probe: DatabaseProbe,
        streams: StreamProbe,
        version: str,
    ) -> None:
        self._bus = bus
        self._registry = registry
        self._listening = listening
        self._roll_call = roll_call
        self._probe = probe
        self._streams = streams
        self._version = version
        self._started_at = utc_now()

    async def detail(self) -> DetailedHealthResponse:
        """Return everything that is known now."""
        return judge(await self.facts(), version=self._version)

    async def facts(self) -> Facts:
        """Return what everything is judged by."""
        await self._roll_call.hold()
        return self._facts()

    def readiness(self) -> Readiness:
        """Return whether this instance has its bus and its database."""
        bus = self._bus.is_connected and self._listening.inbox is not None
        database = self._probe.reading.error is None
        return Readiness(status="ready" if bus and database else "not ready", bus=bus, database=database)

    def _facts(self) -> Facts:
        now = time.monotonic()
        instances = self._registry.live(now)
        return Facts(
            now=utc_now(),
            database=self._probe.reading,
            streams=self._streams.reading,
            instances=instances,
            bus_problem=self._bus_problem(),
            bus_back_since=self._listening.back_since,
            stack_since=self._registry.stack_since(now) or self._started_at,
            heard_since=self._registry.heard_since,
            last_success=self._registry.last_success,
        )

    def _bus_problem(self) -> str | None:
        if self._listening.inbox is None:
            return "NATS is not reached yet"
        return None if self._bus.is_connected else "NATS is away"
