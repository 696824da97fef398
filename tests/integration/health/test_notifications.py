"""Is each change of the state and each dead message told once, over restarts, replicas and outages?"""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import nats as nats_client
import pytest
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from bongsu.servers.nats.server import NatsServer
from bongsu.servers.postgres.server import PostgresServer
from common.events import JobState
from integration.health.running import HealthProcess, Speak, StartHealth, healthy_jobs, soon
from servers.waiting import eventually
from servers.webhook import SECRET_PATH, WebhookReceiver, webhook_receiver

CHANGE = re.compile(r"Bongsu is (?P<now>\w+) \(was (?P<before>\w+)\), ")
RECORDS = "job.claimed.health.notifications.*"
DEAD = "dead.market.candle.closed.KRW-BTC"
SECONDS = 40.0
MANY = 25
StartTelling = Callable[..., Awaitable[HealthProcess]]


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    """Who is notified."""
    async with webhook_receiver() as serving:
        yield serving


@pytest.fixture
def start_telling(
    postgres: PostgresServer,
    database: str,
    fresh_nats: NatsServer,
    start_health: StartHealth,
    receiver: WebhookReceiver,
) -> StartTelling:
    """Start a health that tells `receiver` of what lasts for two seconds."""
    urls = postgres.url("bongsu_health", database), fresh_nats.url("health")
    settings = {"NOTIFY_URL": receiver.url, "NOTIFY_SETTLE_SECONDS": "2"}
    return lambda **more: start_health(*urls, **settings, **more)


@asynccontextmanager
async def administrator(server: NatsServer) -> AsyncIterator[JetStreamContext]:
    """JetStream with all rights."""
    client = await nats_client.connect(server.url())
    try:
        yield client.jetstream(timeout=2)
    finally:
        await client.close()


def hourly(service: str) -> tuple[JobState, ...]:
    """Return the jobs of a service, none of which is due before the test is over."""
    return tuple(job.model_copy(update={"interval_seconds": 3600.0}) for job in healthy_jobs(service))


def told_states(receiver: WebhookReceiver) -> list[str]:
    """Return the states that a person read of, the first known one first; each changes the one before."""
    changes = [change for text in receiver.texts if (change := CHANGE.match(text))]
    assert all(earlier["now"] == later["before"] for earlier, later in itertools.pairwise(changes))
    assert all(change["now"] != change["before"] for change in changes)
    return [change["before"] for change in changes[:1]] + [change["now"] for change in changes]


async def newest_record(jetstream: JetStreamContext) -> dict[str, Any]:
    """Return what was told last, as it is written down; {} before the first."""
    try:
        found = await jetstream.get_last_msg("CLAIMS", RECORDS)
    except NotFoundError:
        return {}
    return dict(json.loads(found.data or b"{}"))


async def until_recorded(jetstream: JetStreamContext, **wanted: object) -> None:
    """Return once the newest record says so."""

    async def is_recorded() -> bool:
        return wanted.items() <= (await newest_record(jetstream)).items()

    await soon(is_recorded, SECONDS)


async def the_teller(jetstream: JetStreamContext, replicas: list[HealthProcess]) -> HealthProcess:
    """Return the replica whose turn it is."""
    teller = (await newest_record(jetstream))["teller"]
    (found,) = [replica for replica in replicas if f"-{replica.process.pid}-" in teller]
    return found


async def bury(jetstream: JetStreamContext, reason: str) -> int:
    """Have one message dead; return its sequence."""
    headers = {"Bongsu-Reason": reason}
    return (await jetstream.publish(DEAD, b"{}", headers=headers)).seq


async def test_of_two_replicas_one_tells_each_change_and_the_other_goes_on_when_it_dies(
    start_telling: StartTelling, fresh_nats: NatsServer, speak: Speak, receiver: WebhookReceiver
) -> None:
    async with administrator(fresh_nats) as jetstream:
        await bury(jetstream, "from before the start")
        await speak("collector", "c1", hourly("collector"))
        signaler = await speak("signaler", "s1", hourly("signaler"))
        replicas = [await start_telling(REPLICAS="2") for _ in range(2)]

        await until_recorded(jetstream, status="healthy")
        # What was seen first is no change, and what was dead before is not new.
        assert receiver.posts == []

        # The other side takes what is posted and does not answer: health does not wait for it.
        receiver.silent = True
        sequence = await bury(jetstream, "refused with ?key=deadSecret4471 by Upbit")
        await eventually(lambda: len(receiver.posts) == 1, SECONDS)
        began = time.monotonic()
        for replica in replicas:
            await replica.is_healthy()
        assert time.monotonic() - began < 2
        receiver.silent = False
        await signaler.fall_silent()
        await eventually(lambda: len(receiver.posts) == 2, SECONDS)

        await until_recorded(jetstream, status="unhealthy")
        dying = await the_teller(jetstream, replicas)
        dying.process.kill()
        second = await bury(jetstream, "while nobody told")
        await speak("signaler", "s2", hourly("signaler"))

        await until_recorded(jetstream, status="healthy", dead_sequence=second)
        (living,) = [replica for replica in replicas if replica is not dying]
        metrics = (await living.http.get("/metrics")).text
    dead, unhealthy = receiver.texts[:2]
    assert dead.startswith(f"Bongsu: dead message {sequence} of market.candle.closed.KRW-BTC, ")
    assert "refused with ?key=*** by Upbit" in dead
    assert unhealthy.startswith("Bongsu is unhealthy (was healthy), ")
    assert "- signaler: " in unhealthy
    assert [text for text in receiver.texts if "dead message" in text][1:] == [
        text for text in receiver.texts[2:] if text.startswith(f"Bongsu: dead message {second} of ")
    ]
    states = told_states(receiver)
    assert (states[:2], states[-1]) == (["healthy", "unhealthy"], "healthy")
    assert len(receiver.posts) == 2 + len(states) - 1
    assert f'bongsu_notifications_total{{outcome="sent"}} {len(receiver.posts) - 2}.0' in metrics
    assert "NOTIFY_URL did not answer within 10 s" in dying.text
    # Neither the address nor a part of it is in a log.
    logs = "".join(replica.text for replica in replicas)
    assert "notification.sent" in logs
    assert SECRET_PATH.rpartition("/")[2] not in logs
    assert receiver.url not in logs


async def test_what_a_teller_told_as_it_died_is_taken_back_where_it_no_longer_holds(
    start_telling: StartTelling, fresh_nats: NatsServer, speak: Speak, receiver: WebhookReceiver
) -> None:
    async with administrator(fresh_nats) as jetstream:
        await speak("collector", "c1", hourly("collector"))
        signaler = await speak("signaler", "s1", hourly("signaler"))
        replicas = [await start_telling(REPLICAS="2") for _ in range(2)]

        await until_recorded(jetstream, status="healthy")
        # It takes the post, and whoever sent it dies before it knows that.
        receiver.silent = True
        await signaler.fall_silent()
        await eventually(lambda: len(receiver.posts) == 1, SECONDS)
        (await the_teller(jetstream, replicas)).process.kill()
        receiver.silent = False
        await speak("signaler", "s2", hourly("signaler"))
        await eventually(lambda: receiver.texts[-1].startswith("Bongsu is healthy"), SECONDS)
    assert receiver.texts[0].startswith("Bongsu is unhealthy (was healthy), ")


async def test_a_restart_tells_nothing_twice_and_what_changed_meanwhile_once(
    start_telling: StartTelling, fresh_nats: NatsServer, speak: Speak, receiver: WebhookReceiver
) -> None:
    await speak("collector", "c1", hourly("collector"))
    async with administrator(fresh_nats) as jetstream:
        first = await start_telling()

        async def has_record() -> bool:
            return bool(await newest_record(jetstream))

        await soon(has_record, SECONDS)
        assert await first.stop() == 0
        second = await start_telling()

        async def has_taken_over() -> bool:
            return f"-{second.process.pid}-" in (await newest_record(jetstream))["teller"]

        await soon(has_taken_over, SECONDS)
        assert receiver.posts == []
        assert await second.stop() == 0
        await speak("signaler", "s1", hourly("signaler"))
        for _ in range(MANY):
            await bury(jetstream, "all at once")
        # The other side is away for a moment, and health answers all the same.
        receiver.statuses = [503]
        third = await start_telling()
        await eventually(lambda: len(receiver.posts) == 2, SECONDS)
        await third.is_healthy()
    assert told_states(receiver) == ["unhealthy", "healthy"]
    assert receiver.texts[1].startswith(f"Bongsu: up to {MANY} dead messages, 1 to {MANY}\n")
    assert receiver.refused == 1


async def test_that_the_bus_is_away_is_told_although_it_is_and_its_return_too(
    start_telling: StartTelling, fresh_nats: NatsServer, speak: Speak, receiver: WebhookReceiver
) -> None:
    await speak("collector", "c1", hourly("collector"))
    await speak("signaler", "s1", hourly("signaler"))
    health = await start_telling()

    async def status() -> str:
        async with administrator(fresh_nats) as jetstream:
            return str((await newest_record(jetstream)).get("status"))

    async def is_healthy_record() -> bool:
        return await status() == "healthy"

    await soon(is_healthy_record, SECONDS)
    fresh_nats.stop()
    await eventually(lambda: len(receiver.posts) == 1, SECONDS)
    assert "NATS is away" in receiver.texts[0]
    fresh_nats.start()
    await eventually(lambda: receiver.texts[-1].startswith("Bongsu is healthy"), SECONDS)
    await soon(is_healthy_record, SECONDS)
    # In between it may be degraded for some seconds: NATS was away until just now.
    states = told_states(receiver)
    assert (states[:2], states[-1]) == (["healthy", "unhealthy"], "healthy")
    assert await health.stop() == 0
