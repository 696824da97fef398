"""Each NATS user may publish and receive exactly what events and consumers say of it, on a real server.

What belongs to no event is written here once more, subject by subject, from the design and not from the code.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import nats as nats_client
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from bongsu.servers.nats.server import NatsServer
from common.events import EVENTS, SERVICES, Event
from common.streams import CONSUMERS
from servers.waiting import HANG_SECONDS, eventually, subscribed

USERS = (*SERVICES, "cli")
# With one that does not exist yet.
SENDERS = (*SERVICES, "trader")
STREAMS = ("CLAIMS", "DEAD", *sorted({event.stream for event in EVENTS if event.stream}))
CONSUMER_NAMES = (*(consumer.name for consumer in CONSUMERS), "another")
API = "$JS.API"

# Besides the events: what each service publishes, and what only one does.
OTHER_SUBJECTS: dict[str, set[str]] = {
    "collector": set(),
    "signaler": set(),
    "health": {f"{API}.STREAM.MSG.GET.DEAD", *(f"{API}.STREAM.INFO.{stream}" for stream in STREAMS)},
    "cli": set(),
}
for service in SERVICES:
    OTHER_SUBJECTS[service] |= {
        f"job.claimed.{service}.some_job.1767225600",
        f"_INBOX_{service}.abc.1",
        f"{API}.STREAM.MSG.GET.CLAIMS",
    }


def example(event: type[Event], sender: str) -> str:
    """A subject of an event as a sender would publish it."""
    return event.subject.format_map(defaultdict(lambda: "KRW-BTC", service=sender, job_name="some_job"))


def wildcard(event: type[Event]) -> str:
    """The subject of all messages of an event."""
    return event.subject.format_map(defaultdict(lambda: "*"))


def may_publish(user: str) -> set[str]:
    """What a user is to publish, as one subject of each kind."""
    subjects = set(OTHER_SUBJECTS[user])
    for event in EVENTS:
        if user in (event.readers if event.is_reply else event.senders):
            subjects.add(example(event, user))
        if user in event.stream_readers:
            subjects.add(f"{API}.CONSUMER.CREATE.{event.stream}")
            for call, name in itertools.product(("INFO", "MSG.NEXT", "DELETE"), CONSUMER_NAMES):
                subjects.add(f"{API}.CONSUMER.{call}.{event.stream}.{name}")
    for consumer in CONSUMERS:
        if consumer.service == user:
            name = f"{consumer.stream}.{consumer.name}"
            subjects |= {f"{API}.CONSUMER.INFO.{name}", f"{API}.CONSUMER.MSG.NEXT.{name}"}
            subjects |= {f"$JS.ACK.{name}.1.1.1.1.0"}
            subjects |= {f"dead.{example(consumer.event, sender)}" for sender in SENDERS}
    return subjects


def may_subscribe(user: str) -> set[str]:
    """What a user is to subscribe to: each event that it reads and no durable consumer gives it."""
    subjects = {f"_INBOX_{user}.>", f"_INBOX_{user}.abc.1"}
    durable = {consumer.event for consumer in CONSUMERS if consumer.service == user}
    for event in EVENTS:
        if user in (event.senders if event.is_reply else event.readers) and event not in durable:
            subjects |= {wildcard(event), *(example(event, sender) for sender in SENDERS)}
    return subjects


def published_subjects() -> set[str]:
    """Everything that is published, and what would do harm if it were."""
    return {*event_subjects(), *api_subjects(), *ack_subjects(), "anything", "$SYS.REQ.SERVER.PING"}


def event_subjects() -> set[str]:
    """One subject of each event and claim by each sender, dead letters of each, and every user's inbox."""
    events = {example(event, sender) for event in EVENTS for sender in SENDERS}
    events |= {f"job.claimed.{sender}.some_job.1767225600" for sender in SENDERS}
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
        for call, consumer in itertools.product(CONSUMER_CALLS, CONSUMER_NAMES):
            subjects.add(f"{API}.CONSUMER.{call}.{stream}.{consumer}")
        subjects |= {
            f"{API}.CONSUMER.CREATE.{stream}.{consumer}.job.finished.>" for consumer in CONSUMER_NAMES
        }
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
    return {f"$JS.ACK.{stream}.{name}.1.1.1.1.0" for stream in STREAMS for name in CONSUMER_NAMES}


def subscribed_subjects() -> set[str]:
    """Everything that is published, and every way to receive more than one's own."""
    events = {subject for subject in event_subjects() if not subject.startswith("_INBOX")}
    inboxes = {f"_INBOX_{user}.{rest}" for user in (*USERS, "admin") for rest in (">", "abc.1")}
    wide = {">", "*.>", "*", "*.*", "*.*.*.*", "_INBOX.>", "_INBOX.abc.1", "*.abc.1", "*.*.>"}
    for event in EVENTS:
        tokens = event.subject.split(".")
        # Not the last token: to NATS `market.ticker.>` is within `market.ticker.*`.
        prefixes = [".".join(tokens[:count]) for count in range(1, max(2, len(tokens) - 1))]
        wide |= {wildcard(event), f"{tokens[0]}.*", *(f"{prefix}.>" for prefix in prefixes)}
    wide |= {"job.claimed.>", "dead.>", "$JS.>", "$JS.API.>", "$JS.ACK.>"}
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
async def test_a_user_publishes_what_it_is_to_publish_and_nothing_else(
    fresh_nats: NatsServer, user: str
) -> None:
    published = await allowed(fresh_nats, user, published_subjects(), Client.publish)
    assert published == may_publish(user)


@pytest.mark.parametrize("queue", ["", "workers"])
@pytest.mark.parametrize("user", USERS)
async def test_a_user_receives_what_it_is_to_receive_and_nothing_else(
    nats: NatsServer, user: str, queue: str
) -> None:
    subscribe = partial(Client.subscribe, queue=queue)
    assert await allowed(nats, user, subscribed_subjects(), subscribe) == may_subscribe(user)


def test_only_the_right_service_publishes_what_others_act_on() -> None:
    senders = {event.__name__: set(event.senders) for event in EVENTS}
    assert senders["CandlesClosed"] == senders["TickerUpdated"] == {"collector"}
    assert senders["SignalGenerated"] == {"signaler"}
    assert senders["ConfigChanged"] == {"cli"}


async def test_a_request_is_answered_once_and_to_no_other_inbox(nats: NatsServer) -> None:
    async with connected(nats, "health") as (health, _), connected(nats, "signaler") as (signaler, refused):
        received: list[bytes] = []

        async def answer(message: Msg) -> None:
            await signaler.publish(message.reply, b"first")
            await signaler.publish(message.reply, b"second")
            await signaler.publish(f"{message.reply}.other", b"third")

        async def receive(message: Msg) -> None:
            received.append(message.data)

        await signaler.subscribe("health.check", cb=answer)
        await subscribed(signaler)
        inbox = health.new_inbox()
        await health.subscribe(inbox, cb=receive)
        await health.publish("health.check", reply=inbox)
        await eventually(lambda: len(refused) == 2)
        await subscribed(health)
        assert received == [b"first"]


@pytest.mark.parametrize("named", ["durable_name", "name"])
async def test_a_reader_of_a_stream_cannot_make_a_consumer_that_stays(
    fresh_nats: NatsServer, named: str
) -> None:
    async with connected(fresh_nats, "cli") as (client, _):
        config = {"ack_policy": "none", named: "mine"}
        body = json.dumps({"stream_name": "JOBS", "config": config}).encode()
        await client.request(f"{API}.CONSUMER.CREATE.JOBS", body, timeout=HANG_SECONDS)
    admin = await nats_client.connect(fresh_nats.url())
    found = await admin.jetstream().consumers_info("JOBS")
    await admin.close()
    assert [info.config.durable_name for info in found if info.config.durable_name] == []


async def test_a_users_password_is_no_other_users(nats: NatsServer) -> None:
    url = nats.url("health").replace("nats://health:", "nats://collector:")
    with pytest.raises(nats_client.errors.Error, match="Authorization"):
        await nats_client.connect(url, allow_reconnect=False, connect_timeout=60)
