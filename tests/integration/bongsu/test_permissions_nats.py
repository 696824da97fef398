"""May each NATS user say and hear exactly what the table of messages gives it, and nothing else?

What is allowed is written here once more, subject by subject, from the design and not from the code.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import nats as nats_client
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from bongsu.servers.nats.server import NatsServer
from servers.waiting import eventually, subscribed

SERVICES = ("collector", "signaler", "health")
USERS = (*SERVICES, "cli")
# With one that does not exist yet.
SPEAKERS = (*SERVICES, "trader")
STREAMS = ("MARKET", "SIGNALS", "CONFIG", "JOBS", "CLAIMS", "DEAD")
CONSUMERS = ("collector-candles-closed", "signaler-candles-closed", "somebody")
API = "$JS.API"

MAY_SAY = {
    "collector": {
        "market.candle.closed.KRW-BTC",
        "market.ticker.KRW-BTC",
        "dead.market.candle.closed.KRW-BTC",
        "$JS.API.CONSUMER.INFO.MARKET.collector-candles-closed",
        "$JS.API.CONSUMER.MSG.NEXT.MARKET.collector-candles-closed",
        "$JS.ACK.MARKET.collector-candles-closed.1.1.1.1.0",
    },
    "signaler": {
        "signal.generated.KRW-BTC",
        "dead.market.candle.closed.KRW-BTC",
        "$JS.API.CONSUMER.INFO.MARKET.signaler-candles-closed",
        "$JS.API.CONSUMER.MSG.NEXT.MARKET.signaler-candles-closed",
        "$JS.ACK.MARKET.signaler-candles-closed.1.1.1.1.0",
    },
    "health": {
        "health.check",
        *(f"$JS.API.STREAM.INFO.{stream}" for stream in STREAMS),
        "$JS.API.STREAM.MSG.GET.DEAD",
    },
    "cli": {
        "config.changed",
        "$JS.API.CONSUMER.CREATE.JOBS",
        *(f"$JS.API.CONSUMER.INFO.JOBS.{name}" for name in CONSUMERS),
        *(f"$JS.API.CONSUMER.MSG.NEXT.JOBS.{name}" for name in CONSUMERS),
        *(f"$JS.API.CONSUMER.DELETE.JOBS.{name}" for name in CONSUMERS),
    },
}
for service in SERVICES:
    MAY_SAY[service] |= {
        f"job.finished.{service}.some_job",
        f"job.claimed.{service}.some_job.1767225600",
        f"service.heartbeat.{service}",
        f"_INBOX_{service}.abc.1",
        "$JS.API.STREAM.MSG.GET.CLAIMS",
    }

MAY_HEAR = {
    "collector": {"config.changed", "health.check"},
    "signaler": {"config.changed", "health.check"},
    "health": {
        "config.changed",
        "health.check",
        "service.heartbeat.*",
        *(f"service.heartbeat.{name}" for name in SPEAKERS),
        "market.ticker.*",
        "market.ticker.KRW-BTC",
        "signal.generated.*",
        "signal.generated.KRW-BTC",
        "job.finished.*.*",
        *(f"job.finished.{name}.some_job" for name in SPEAKERS),
    },
    "cli": {"config.changed"},
}
for user in USERS:
    MAY_HEAR[user] |= {f"_INBOX_{user}.>", f"_INBOX_{user}.abc.1"}


def said_subjects() -> set[str]:
    """Everything that somebody says, or that would do harm if anybody did."""
    return {*event_subjects(), *api_subjects(), *ack_subjects(), "anything", "$SYS.REQ.SERVER.PING"}


def event_subjects() -> set[str]:
    """One subject of each event by each sender, dead ones of each, and every user's inbox."""
    events = {"market.candle.closed.KRW-BTC", "market.ticker.KRW-BTC", "signal.generated.KRW-BTC"}
    events |= {"config.changed", "health.check"}
    for name in SPEAKERS:
        events |= {f"job.finished.{name}.some_job", f"job.claimed.{name}.some_job.1767225600"}
        events.add(f"service.heartbeat.{name}")
    inboxes = {f"_INBOX_{user}.abc.1" for user in (*USERS, "admin")} | {"_INBOX.abc.1"}
    return events | {f"dead.{subject}" for subject in events} | inboxes


def api_subjects() -> set[str]:
    """The whole JetStream API, for each stream and consumer."""
    subjects = {f"{API}.{call}" for call in ("INFO", "STREAM.NAMES", "STREAM.LIST")}
    subjects |= {f"{API}.META.LEADER.STEPDOWN", f"{API}.SERVER.REMOVE", f"{API}.ACCOUNT.PURGE.$G"}
    for stream in (*STREAMS, "MINE"):
        subjects |= {f"{API}.STREAM.{call}.{stream}" for call in STREAM_CALLS}
        subjects |= {f"{API}.CONSUMER.{call}.{stream}" for call in ("CREATE", "NAMES", "LIST")}
        subjects |= {f"{API}.DIRECT.GET.{stream}", f"{API}.DIRECT.GET.{stream}.config.changed"}
        for call, consumer in itertools.product(CONSUMER_CALLS, CONSUMERS):
            subjects.add(f"{API}.CONSUMER.{call}.{stream}.{consumer}")
        subjects |= {f"{API}.CONSUMER.CREATE.{stream}.{consumer}.job.finished.>" for consumer in CONSUMERS}
    return subjects


STREAM_CALLS = (
    *("CREATE", "UPDATE", "DELETE", "PURGE", "INFO", "SNAPSHOT", "RESTORE"),
    *("MSG.GET", "MSG.DELETE", "PEER.REMOVE", "LEADER.STEPDOWN"),
)
CONSUMER_CALLS = (
    *("CREATE", "DURABLE.CREATE", "INFO", "DELETE", "PAUSE", "RESET", "UNPIN", "MSG.NEXT"),
    "LEADER.STEPDOWN",
)


def ack_subjects() -> set[str]:
    """An acknowledgement to each consumer of each stream."""
    return {f"$JS.ACK.{stream}.{name}.1.1.1.1.0" for stream in STREAMS for name in CONSUMERS}


def heard_subjects() -> set[str]:
    """Everything that is said, and every way to hear more than one's own."""
    events = {subject for subject in event_subjects() if not subject.startswith("_INBOX")}
    inboxes = {f"_INBOX_{user}.{rest}" for user in (*USERS, "admin") for rest in (">", "abc.1")}
    wide = {">", "*.>", "*", "*.*", "*.*.*.*", "_INBOX.>", "_INBOX.abc.1", "*.abc.1", "*.*.>"}
    wide |= {"market.>", "market.candle.closed.*", "market.ticker.*", "signal.>", "signal.generated.*"}
    wide |= {"job.>", "job.finished.>", "job.finished.*.*", "job.claimed.>", "service.>", "config.*"}
    wide |= {"service.heartbeat.*", "health.*", "dead.>", "$JS.>", "$JS.API.>", "$JS.ACK.>"}
    wide |= {"$JS.EVENT.ADVISORY.>", "$SYS.>", "$SYS.ACCOUNT.>", "$SYS.REQ.>"}
    return events | inboxes | wide


@asynccontextmanager
async def connected(server: NatsServer, user: str) -> AsyncIterator[tuple[Client, set[str]]]:
    """Connect as a user; gives the client and the subjects refused so far, in the server's small letters."""
    refused: set[str] = set()

    async def on_error(error: Exception) -> None:
        if found := re.search(r'permissions violation for \w+ to "([^"]+)"', str(error)):
            refused.add(found[1])

    client = await nats_client.connect(server.url(user), error_cb=on_error, inbox_prefix=f"_INBOX_{user}")
    try:
        yield client, refused
    finally:
        await client.close()


async def allowed(
    server: NatsServer, user: str, subjects: set[str], attempt: Callable[[Client, str], Awaitable[object]]
) -> set[str]:
    """Return those of `subjects` with which a user's `attempt` is not refused."""
    async with connected(server, user) as (client, refused):
        for subject in sorted(subjects):
            await attempt(client, subject)
        await subscribed(client)
        return {subject for subject in subjects if subject.lower() not in refused}


@pytest.mark.parametrize("user", USERS)
async def test_a_user_says_what_it_is_to_say_and_nothing_else(fresh_nats: NatsServer, user: str) -> None:
    assert (
        await allowed(fresh_nats, user, said_subjects(), lambda client, at: client.publish(at))
        == (MAY_SAY[user])
    )


@pytest.mark.parametrize("queue", ["", "workers"])
@pytest.mark.parametrize("user", USERS)
async def test_a_user_hears_what_it_is_to_hear_and_nothing_else(
    nats: NatsServer, user: str, queue: str
) -> None:
    heard = await allowed(nats, user, heard_subjects(), lambda client, at: client.subscribe(at, queue=queue))
    assert heard == MAY_HEAR[user]


async def test_whoever_is_asked_answers_once_and_to_nobody_else(nats: NatsServer) -> None:
    async with connected(nats, "health") as (health, _), connected(nats, "signaler") as (signaler, refused):
        heard: list[bytes] = []

        async def answer(message: Msg) -> None:
            await signaler.publish(message.reply, b"first")
            await signaler.publish(message.reply, b"second")
            await signaler.publish(f"{message.reply}.other", b"third")

        async def hear(message: Msg) -> None:
            heard.append(message.data)

        await signaler.subscribe("health.check", cb=answer)
        await subscribed(signaler)
        inbox = health.new_inbox()
        await health.subscribe(inbox, cb=hear)
        await health.publish("health.check", reply=inbox)
        await eventually(lambda: len(refused) == 2)
        await subscribed(health)
        assert heard == [b"first"]


@pytest.mark.parametrize("named", ["durable_name", "name"])
async def test_who_reads_a_stream_through_a_consumer_of_its_own_cannot_make_one_that_stays(
    fresh_nats: NatsServer, named: str
) -> None:
    async with connected(fresh_nats, "cli") as (client, _):
        config = {"ack_policy": "none", named: "mine"}
        body = json.dumps({"stream_name": "JOBS", "config": config}).encode()
        await client.request(f"{API}.CONSUMER.CREATE.JOBS", body, timeout=2)
    admin = await nats_client.connect(fresh_nats.url())
    found = await admin.jetstream().consumers_info("JOBS")
    await admin.close()
    assert [info.config.durable_name for info in found if info.config.durable_name] == []


async def test_a_users_password_is_no_other_users(nats: NatsServer) -> None:
    url = nats.url("health").replace("nats://health:", "nats://collector:")
    with pytest.raises(nats_client.errors.Error, match="Authorization"):
        await asyncio.wait_for(nats_client.connect(url, allow_reconnect=False, connect_timeout=1), 5)
