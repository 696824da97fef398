"""Block of the IP address, shared by all collectors through PostgreSQL, also with one that starts during it.

While PostgreSQL is away, each keeps to the blocks that it was answered with itself.
"""

from __future__ import annotations

import asyncio

import structlog

from collector.upbit.block_repository import BlockRepository
from collector.upbit.rate_limiter import RateLimiter
from common.errors import TransientError
from common.tasks import Background
from common.telemetry.names import LogEvent

# So long may another replica still ask after Upbit's 418.
CHECK_SECONDS = 0.5


class IpBlock(Background):
    """Stores at once a block that Upbit answered with, and reads those of the others twice a second."""

    def __init__(self, limiter: RateLimiter, repository: BlockRepository) -> None:
        super().__init__("ip_block", self._share)
        self._limiter = limiter
        self._repository = repository
        self._log = structlog.get_logger("collector.upbit.ip_block")

    async def wait_until_known(self) -> None:
        """Return once a current block is known: before that, no request may go out."""
        while True:
            try:
                await self._adopt()
            except TransientError as error:
                self._log.warning(LogEvent.DEPENDENCY_WAITING, dependency="upbit_block", error=str(error))
                await asyncio.sleep(CHECK_SECONDS)
            else:
                return

    async def _share(self) -> None:
        while True:
            try:
                await self._publish()
                await self._adopt()
            except TransientError:
                # An outage of PostgreSQL is logged elsewhere.
                await asyncio.sleep(CHECK_SECONDS)

    async def _publish(self) -> None:
        if block := await self._limiter.unshared_block(CHECK_SECONDS):
            await self._repository.record(block)
            self._limiter.mark_shared()

    async def _adopt(self) -> None:
        if block := await self._repository.read():
            self._limiter.adopt_block(block)
