"""Does every collector keep to a block that one of them was told, also one that starts during it?

They are taken to share an address. While PostgreSQL is away, each keeps to what it knows itself.
"""

from __future__ import annotations

import asyncio

import structlog

from collector.upbit.block_repository import BlockRepository
from collector.upbit.rate_limiter import RequestGate
from common.errors import TransientError
from common.tasks import cancel_tasks, run_forever
from common.telemetry.names import LogEvent

# So long may another replica still ask after Upbit's 418.
LOOK_SECONDS = 0.5


class SharedBlock:
    """Writes down at once what the gate was told, and looks twice a second for what the others were."""

    def __init__(self, gate: RequestGate, repository: BlockRepository) -> None:
        self._gate = gate
        self._repository = repository
        self._task: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("collector.upbit.ip_block")

    async def start(self) -> None:
        """Return once a block that holds is known: before that, no request may go out."""
        while True:
            try:
                await self._hear()
            except TransientError as error:
                self._log.warning(LogEvent.DEPENDENCY_WAITING, dependency="upbit_block", error=str(error))
                await asyncio.sleep(LOOK_SECONDS)
            else:
                break
        self._task = asyncio.create_task(run_forever("shared_block", self._share))

    async def stop(self) -> None:
        """Stop telling and looking."""
        await cancel_tasks([self._task])

    async def _share(self) -> None:
        while True:
            try:
                await self._tell()
                await self._hear()
            except TransientError:
                # An outage of PostgreSQL is told by others.
                await asyncio.sleep(LOOK_SECONDS)

    async def _tell(self) -> None:
        if block := await self._gate.untold_block(LOOK_SECONDS):
            await self._repository.note(block)
            self._gate.has_told()

    async def _hear(self) -> None:
        if block := await self._repository.read():
            self._gate.take_over(block)
