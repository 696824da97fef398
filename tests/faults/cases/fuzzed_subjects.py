"""Fuzzing of the other subjects: settings, health checks, heartbeats, signals and records of jobs."""

from __future__ import annotations

import asyncio
import random
import time

from nats.aio.client import Client
from nats.aio.msg import Msg

from common.cache import MAX_RELOADS
from common.clock import utc_now
from common.config.keys import COLLECT_INTERVAL_SECONDS
from common.events import EVENTS, CacheUsage, CandlesClosed, ComponentReport, ConfigChanged
from common.telemetry.names import LogEvent
from faults.cases.too_large import measure_too_large
from faults.inputs.poison import KINDS, Poison
from faults.inputs.sending import page
from faults.oracles.service_logs import count_events
from harness.finding import Finding
from harness.servers import nats_connection
from harness.stack import Stack
from servers.commands import bongsu
from servers.waiting import eventually

PROMISE = "bus fuzz"
# Of every event but pages, which have a run of their own, and replies; from a service and from a stranger.
SUBJECTS = tuple(
    dict.fromkeys(
        event.subject.format(market="KRW-BTC", service=service, job_name=job_name)
        for event in EVENTS
        if event is not CandlesClosed and not event.is_reply
        for service, job_name in (("collector", "gap_repair"), ("unknown", "nothing"))
    )
)
EACH = 300
CHECKS = 100
ANSWER_SECONDS = 3.0
STORM_SECONDS = 3.0
STORM_PACE = 1000
# One at once, one a second, and one for what came in the last second.
MOST_LOGGED = STORM_SECONDS + 2


async def fuzz_other_subjects(stack: Stack, rng: random.Random) -> list[Finding]:
    """Return a row for garbage on all of them, for a storm of changes, and for what is too large."""
    async with nats_connection(stack.running.nats.url()) as client:
        return [
            await _garbage(stack, client, rng),
            await _storm(stack, client),
            await measure_too_large(stack, PROMISE),
        ]


async def _garbage(stack: Stack, client: Client, rng: random.Random) -> Finding:
    bodies = [
        make(rng, page("ZZ-F0", utc_now().replace(second=0, microsecond=0), close=1)) for make in _kinds(rng)
    ]
    for subject in SUBJECTS:
        for body in bodies:
            await client.publish(subject, body)
    await client.flush(timeout=10)
    answers = [len(await reports(client, body)) for body in bodies[:CHECKS]]
    jobs = await asyncio.to_thread(bongsu, "jobs", "--json", NATS_URL=stack.running.nats.url("cli"))
    recorded = sum(subject.startswith("job.") for subject in SUBJECTS) * len(bodies)
    broken = jobs.document["broken"] if jobs.code == 0 else jobs.err
    return Finding(
        PROMISE,
        f"{EACH} bad messages on each of {len(SUBJECTS)} other subjects, and in {CHECKS} health checks",
        "every check answered by all three services; `bongsu jobs` counts the bad ones apart",
        f"{sum(count == 3 for count in answers)} of {CHECKS} checks answered by all,"
        f" exit code {jobs.code}, {broken} of {recorded} counted apart",
        holds=set(answers) == {3} and broken == recorded,
    )


def _kinds(rng: random.Random) -> list[Poison]:
    # A change of a setting is no garbage here; a storm of them is the next row.
    names = [name for name in KINDS if name != "another event"]
    return [KINDS[rng.choice(names)] for _ in range(EACH)]


async def _storm(stack: Stack, client: Client) -> Finding:
    # Revision 0 is never taken for a change without an event, which would drop every key.
    event = ConfigChanged(key=COLLECT_INTERVAL_SECONDS.name, revision=0, changed_by="a storm")
    before = await reports(client, b"")
    logged_before = _logged(stack)
    began, sent = time.monotonic(), 0
    while (passed := time.monotonic() - began) < STORM_SECONDS:
        for _ in range(round(passed * STORM_PACE) - sent):
            await client.publish(event.subject, event.model_dump_json().encode())
            sent += 1
        await asyncio.sleep(0.005)
    await client.flush(timeout=10)
    pace = sent / (time.monotonic() - began)
    last = ConfigChanged(key="backfill_days", revision=0, changed_by="the last one")
    await client.publish(last.subject, last.model_dump_json().encode())
    await eventually(lambda: all('"backfill_days"' in log.read_text() for log in stack.logs), within=10)
    after = await reports(client, b"")
    reloads = {name: after[name].misses - before[name].misses for name in after.keys() & before.keys()}
    logged = [now - earlier for now, earlier in zip(_logged(stack), logged_before, strict=True)]
    return Finding(
        PROMISE,
        f"a storm of `config.changed` for {STORM_SECONDS:.0f} s, {pace:.0f} a second",
        f"every service looks at it once a second, at most {MOST_LOGGED:.0f} times; {MAX_RELOADS} reads each",
        f"logged {logged} times, read {sorted(reloads.values())} times",
        holds=pace > 0.9 * STORM_PACE
        and len(reloads) == 3
        and max(logged) <= MOST_LOGGED
        and max(reloads.values()) <= MOST_LOGGED * MAX_RELOADS,
    )


async def reports(client: Client, body: bytes) -> dict[str, CacheUsage]:
    """Ask all with these bytes; returns the services that answer in time, and their caches."""
    received: dict[str, CacheUsage] = {}
    inbox = client.new_inbox()

    async def receive(message: Msg) -> None:
        report = ComponentReport.model_validate_json(message.data)
        if report.cache:
            received[report.service] = report.cache

    subscription = await client.subscribe(inbox, cb=receive)
    await client.publish(ComponentReport.subject, body, reply=inbox)
    try:
        await eventually(lambda: len(received) == 3, within=ANSWER_SECONDS)
    except AssertionError:
        return received
    finally:
        await subscription.unsubscribe()
    return received


def _logged(stack: Stack) -> list[int]:
    return [count_events(log)[LogEvent.CONFIG_CHANGED] for log in stack.logs]
