"""The whole system, as `make run` starts it, for benches that look at it from outside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from harness.servers import scratch_folder
from servers.waiting import eventually
from system.conftest import Run

HEALTHY_SECONDS = 60.0


@asynccontextmanager
async def whole(folder: Path | None = None) -> AsyncIterator[Run]:
    """Run `bongsu up` until it is healthy; stops it in the end."""
    with scratch_folder() as scratch:
        run = Run(folder or scratch / "data")
        try:
            await asyncio.to_thread(run.until_up)
            await eventually(lambda: run.health().get("status") == "healthy", HEALTHY_SECONDS)
            yield run
        finally:
            await asyncio.to_thread(run.stop)
