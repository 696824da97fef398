"""The scheduler over replicas: each scheduled run happens once, on one of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest
from nats.js import JetStreamContext

from bongsu.servers.nats.server import NatsServer
from common.bus.broker import Bus
from common.events import JobFinished
from common.jobs import scheduler
from common.jobs.scheduler import Scheduler
from common.jobs.states import JobStates
from common.jobs.tracking import JobOwner, JobRun
from common.runtime import runtime
from integration.common.speaking import kept
from servers.proxy import proxy
from servers.waiting import eventually

JOB = "gap_repair"


@dataclass
class Replica:
    """One process's scheduler and how its runs ended."""

    name: str
    bus: Bus
    scheduler: Scheduler = field(init=False)
    finished: list[JobFinished] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Hang the scheduler onto the bus."""
        ledger = JobStates()
        owner = JobOwner("collector", self.name, self.finished.append)
        self.scheduler = Scheduler(owner=owner, bus=self.bus, states=ledger)

    @property
    def runs(self) -> list[str]:
        """The runs that ended here."""
        return [record.run_id for record in self.finished]


@asynccontextmanager
async def replica(url: str, name: str) -> AsyncIterator[Replica]:
    """Connect one; the test adds its jobs and starts it."""
    bus = Bus(url, service="collector", instance=name)
    await bus.connect()
    built = Replica(name, bus)
    try:
        yield built
    finally:
        await built.scheduler.stop()
        await bus.close()


@pytest.fixture
async def one(fresh_nats: NatsServer) -> AsyncIterator[Replica]:
    """A single replica."""
    async with replica(fresh_nats.url("collector"), "c1") as built:
        yield built


async def done(_: JobRun) -> None:
    """Have nothing to do."""


async def held_claims(jetstream: JetStreamContext) -> dict[str, str]:
    """Return who holds each scheduled time, `<job>-<unix time>`."""
    held = {}
    for message in await kept(jetstream, "CLAIMS"):
        _, _, _, job, unix_time = (message.subject or "").split(".")
        held[f"{job}-{unix_time}"] = (message.data or b"").decode()
    return held


async def test_of_five_replicas_exactly_one_runs_each_scheduled_time(
    fresh_nats: NatsServer, jetstream: JetStreamContext
) -> None:
    began = int(time.time())
    async with AsyncExitStack() as stack:
        replicas = [
            await stack.enter_async_context(replica(fresh_nats.url("collector"), f"c{number}"))
            for number in range(5)
        ]
        for built in replicas:
            built.scheduler.add(JOB, every_seconds=1, body=done)
            built.scheduler.start()
        await eventually(lambda: sum(len(built.runs) for built in replicas) >= 2)
    holders = await held_claims(jetstream)
    ran = {run: built.name for built in replicas for run in built.runs}
    assert sum(len(built.runs) for built in replicas) == len(ran)
    assert ran == holders
    times = sorted(int(run.removeprefix(f"{JOB}-")) for run in ran)
    assert began <= times[0] <= times[-1] <= time.time()


async def test_a_claim_whose_answer_was_lost_is_looked_up_and_run_once(
    fresh_nats: NatsServer, jetstream: JetStreamContext
) -> None:
    async with proxy(fresh_nats.port) as network:
        url = network.url(fresh_nats.url("collector"))
        async with replica(url, "c1") as built:
            network.dropping = b'"stream":"CLAIMS"'
            built.scheduler.add(JOB, every_seconds=1, body=done)
            built.scheduler.start()
            await eventually(lambda: network.dropped)
            network.dropping = None
            await eventually(lambda: built.finished)
    lost = min(await held_claims(jetstream))
    assert built.runs[0] == lost
    assert built.runs.count(lost) == 1
    assert built.finished[0].outcome == "ok"


async def test_a_run_that_cannot_be_claimed_is_a_failed_run(
    one: Replica, jetstream: JetStreamContext
) -> None:
    await jetstream.delete_stream("CLAIMS")
    one.scheduler.add(JOB, every_seconds=1, body=done)
    one.scheduler.start()
    await eventually(lambda: one.finished)
    assert one.finished[0].outcome == "failed"
    assert "could not be claimed" in (one.finished[0].error or "")


async def test_after_a_step_back_of_the_clock_times_that_are_claimed_already_run_once_more(
    fresh_nats: NatsServer, jetstream: JetStreamContext
) -> None:
    # What an hour of runs left behind whose clock was an hour ahead; only the beginning matters here.
    now = int(time.time())
    for scheduled in (*range(now - 5, now + 30), now + 3600):
        await jetstream.publish(f"job.claimed.collector.{JOB}.{scheduled}", b"c0")
    async with AsyncExitStack() as stack:
        replicas = [
            await stack.enter_async_context(replica(fresh_nats.url("collector"), f"c{number}"))
            for number in range(3)
        ]
        for built in replicas:
            built.scheduler.add(JOB, every_seconds=1, body=done)
            built.scheduler.start()
        await eventually(lambda: sum(len(built.runs) for built in replicas) >= 3)
    runs = sorted(run for built in replicas for run in built.runs)
    assert runs == sorted(set(runs))


async def test_a_new_interval_takes_effect_without_a_restart(one: Replica) -> None:
    one.scheduler.add(JOB, every_seconds=3600, body=done)
    one.scheduler.start()
    [state] = one.scheduler.states()
    assert state.next_run_at is not None
    assert state.next_run_at.timestamp() % 3600 == 0
    one.scheduler.reschedule(JOB, every_seconds=1)
    [state] = one.scheduler.states()
    assert state.interval_seconds == 1
    assert state.next_run_at is not None
    assert state.next_run_at.timestamp() - time.time() <= 1
    await eventually(lambda: one.finished)


async def test_a_stop_lets_a_short_run_end_and_cancels_a_long_one(
    one: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scheduler.STOP_SECONDS < runtime.STEP_SECONDS
    monkeypatch.setattr(scheduler, "STOP_SECONDS", 0.6)
    began = asyncio.Event()
    finish = asyncio.Event()

    async def short(_: JobRun) -> None:
        began.set()
        await finish.wait()

    async def long(_: JobRun) -> None:
        await asyncio.Event().wait()

    one.scheduler.add("short", every_seconds=1, body=short)
    one.scheduler.add("long", every_seconds=1, body=long)
    one.scheduler.start()
    await began.wait()
    await eventually(lambda: all(state.running_since for state in one.scheduler.states()))
    before = time.monotonic()
    stopping = asyncio.create_task(one.scheduler.stop())
    await asyncio.sleep(0)
    finish.set()
    await stopping
    assert time.monotonic() - before >= 0.6
    ends = {record.job_name: (record.outcome, record.reason) for record in one.finished}
    assert ends == {"short": ("ok", None), "long": ("skipped", "stopping")}
