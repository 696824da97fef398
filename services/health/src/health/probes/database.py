"""Database probe: whether PostgreSQL answers and what is newest in it, kept in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TypeVar

import structlog

from common.clock import utc_now
from common.config.keys import SIGNAL_INTERVAL_MINUTES
from common.config.repository import ConfigRepository
from common.errors import ServiceError
from common.tasks import Background
from common.telemetry.names import LogEvent
from health.domain import NOT_REACHED, DatabaseReading, StoredFacts
from health.probes.repository import HealthRepository

T = TypeVar("T")

# Readiness must show a lost database within 5 s, the second of patience included.
PROBE_SECONDS = 3.0
LIMIT_SECONDS = 1.0


class DatabaseProbe(Background):
    """Keeps `reading` true; the two questions do not wait for each other."""

    def __init__(self, repository: HealthRepository, config: ConfigRepository) -> None:
        super().__init__(
            "database_probe",
            partial(self._ask, "database", repository.ping_ms, self._on_ping),
            partial(self._ask, "stored", self._read_stored, self._on_stored),
        )
        self._repository = repository
        self._config = config
        self._log = structlog.get_logger("health.probes.database")
        self._reached = False
        self._server_started_at: datetime | None = None
        self.reading = DatabaseReading()

    async def _ask(
        self, name: str, question: Callable[[], Awaitable[T]], report: Callable[[T | None, str | None], None]
    ) -> None:
        while True:
            asking = asyncio.ensure_future(question())
            try:
                in_time, _ = await asyncio.wait({asking}, timeout=LIMIT_SECONDS)
                if not in_time:
                    # Reported now; the question itself ends by the database's own limits.
                    report(None, f"PostgreSQL did not answer within {LIMIT_SECONDS:.0f} s")
                    await asyncio.wait({asking})
                answer = asking.result()
            except ServiceError as error:
                report(None, str(error))
            except Exception as error:  # noqa: BLE001  the probe's edge: it goes on, and never says healthy
                self._log.error(LogEvent.PROBE_FAILED, probe=name, exc_info=error)
                report(None, f"the probe failed: {type(error).__name__}")
            else:
                if in_time:
                    report(answer, None)
            finally:
                asking.cancel()
            await asyncio.sleep(PROBE_SECONDS if in_time else 0)

    async def _read_stored(self) -> StoredFacts:
        interval = await self._config.get(SIGNAL_INTERVAL_MINUTES)
        return await self._repository.stored_facts(signal_interval_minutes=interval)

    def _on_ping(self, latency_ms: float | None, error: str | None) -> None:
        was_there = self.reading.error is None
        self._reached = self._reached or error is None
        if error and not self._reached:
            error = f"{NOT_REACHED}: {error}"
        self.reading = replace(self.reading, latency_ms=latency_ms, error=error)
        if error and was_there:
            self._log.warning(LogEvent.PROBE_FAILED, probe="database", error=error)
        elif not error and not was_there:
            self._log.info(LogEvent.PROBE_RECOVERED, probe="database")

    def _on_stored(self, stored: StoredFacts | None, error: str | None) -> None:
        self.reading = replace(self.reading, stored=stored, stored_error=error)
        if stored is None:
            return
        if self._server_started_at not in (None, stored.server_started_at):
            self._log.warning(LogEvent.PROBE_RECOVERED, probe="database", error="it was started again")
            self.reading = replace(self.reading, restarted_at=utc_now())
        self._server_started_at = stored.server_started_at
