"""A process that does what services do: many tracked runs, some retried, each one logged and published."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sys

from common.bus.broker import Bus
from common.errors import TransientError
from common.events import JobFinished
from common.jobs.tracking import JobOwner, JobRun, track_job
from common.retry import with_retry
from common.telemetry.export import Telemetry
from common.telemetry.logs import configure_logging

JOBS = ("data_collection", "gap_repair", "retention")


class Upbit:
    """A dependency that fails as often as it was set to, and asks for no wait."""

    def __init__(self) -> None:
        self.failures = 0

    async def ask(self) -> None:
        """Answer, or not."""
        if self.failures:
            self.failures -= 1
            raise TransientError("Upbit answered 503", retry_after_seconds=0)


async def work(run: JobRun, chance: random.Random, upbit: Upbit) -> None:
    """Take a while, then end one way or another."""
    for _ in range(chance.randrange(40)):
        await asyncio.sleep(0)
    match chance.randrange(10):
        case 0:
            run.skip("late", count=chance.randrange(1, 4))
        case 1:
            raise TransientError(f"page {chance.randrange(100)} failed")
        case tries:
            upbit.failures = tries - 2
            await with_retry()(upbit.ask)()


async def main(instance: str, runs: int) -> None:
    """Make so many runs, in an order and with ends that the instance's name decides."""
    configure_logging(service="collector", instance=instance, level="INFO", log_format="json")
    telemetry = Telemetry(service="collector", instance=instance, environment={})
    bus = Bus(os.environ["NATS_URL"], service="collector", instance=instance)
    await bus.connect()
    records: list[JobFinished] = []
    owner = JobOwner("collector", instance, records.append)
    chance, upbit = random.Random(instance), Upbit()
    for _ in range(runs):
        with contextlib.suppress(TransientError):
            async with track_job(chance.choice(JOBS), owner=owner) as run:
                await work(run, chance, upbit)
        await bus.publish(records[-1])
    await bus.close()
    telemetry.shutdown()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
