"""Reporter of finished jobs: a bounded queue and a sender, so that the JOBS stream holds no job up."""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from common.bus.broker import Bus
from common.errors import PermanentError, TransientError
from common.events import JobFinished
from common.tasks import Background
from common.telemetry.names import LogEvent

QUEUE_SIZE = 1000
RETRY_SECONDS = 1.0
FLUSH_SECONDS = 0.5


class JobReporter(Background):
    """Sends records in order; while the bus is away they wait, the oldest is dropped when 1,000 do."""

    def __init__(self, bus: Bus) -> None:
        super().__init__("job_reporter", self._send_all)
        self._bus = bus
        self._queue: asyncio.Queue[JobFinished] = asyncio.Queue(QUEUE_SIZE)
        self._log = structlog.get_logger("common.jobs.reporter")

    def add(self, record: JobFinished) -> None:
        """Queue a record; never blocks."""
        if self._queue.full():
            lost = self._queue.get_nowait()
            self._queue.task_done()
            self._log.error(
                LogEvent.JOB_REPORT_FAILED, run_id=lost.run_id, error="1000 records wait, dropped"
            )
        self._queue.put_nowait(record)

    async def stop(self) -> None:
        """Send what is queued, for at most half a second."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._queue.join(), FLUSH_SECONDS)
        await super().stop()

    async def _send_all(self) -> None:
        while True:
            record = await self._queue.get()
            while wait_seconds := await self._send(record):
                await asyncio.sleep(wait_seconds)
            self._queue.task_done()

    async def _send(self, record: JobFinished) -> float:
        """Return after how many seconds the record is to be sent again, 0 when it needs not be."""
        try:
            await self._bus.publish(record)
        except TransientError as error:
            return error.retry_after_seconds or RETRY_SECONDS
        except PermanentError as error:
            self._log.error(LogEvent.JOB_REPORT_FAILED, run_id=record.run_id, error=str(error))
        return 0
