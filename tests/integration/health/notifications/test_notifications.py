"""Notifications over restarts, replicas and outages: at least once, in order, none lost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import nats as nats_client
import pytest
from nats.js import JetStreamContext
from pydantic import SecretStr

from bongsu.servers.nats.server import NatsServer
from bongsu.servers.postgres.server import PostgresServer
from common.bus.broker import Bus
from common.clock import utc_now
from common.errors import TransientError
from health.notifications import webhook as webhook_module
from health.notifications.debounce import Debounce
from health.notifications.leader import Leader
from health.notifications.notifier import Notifier
from health.notifications.webhook import Webhook
from health.schemas import DetailedHealthResponse, OverallStatus
from integration.health.running import StartHealth
from servers.waiting import HANG_SECONDS, eventually
from servers.webhook import SECRET_PATH, WebhookReceiver, webhook_receiver

DEAD = "dead.market.candle.closed.KRW-BTC"
MANY = 25
# Longer than any state has to last.
LASTING_SECONDS = 400.0


@dataclass
class Stack:
    """What every replica sees; the clock moves only where a test moves it."""

    status: OverallStatus = "healthy"
    newest_dead: int | None = 0
    now: float = 0.0
    live: set[str] = field(default_factory=set)

    async def detail(self) -> DetailedHealthResponse:
        """Return the state of this moment, without any detail."""
        return DetailedHealthResponse(
            status=self.status, timestamp=utc_now(), version="0.1.0", components=(), services=()
        )


@dataclass
class Replica:
    """One health's notifier, driven by hand."""

    name: str
    bus: Bus
    notifier: Notifier
    leader: Leader
    stack: Stack
    outcomes: list[str]

    def die(self) -> None:
        """Send no heartbeat any more; the test does nothing more with it."""
        self.stack.live.discard(self.name)

    async def settle(self, seconds: float = LASTING_SECONDS) -> None:
        """Look now, and again when the present state has lasted for so long."""
        await self.notifier.look(self.stack.now)
        self.stack.now += seconds
        await self.notifier.look(self.stack.now)


StartReplica = Callable[[str], Awaitable[Replica]]


async def see(status: OverallStatus, *replicas: Replica) -> None:
    """Have a state last, and deliver what the replicas want to say of it."""
    for replica in replicas:
        replica.stack.status = status
        await replica.settle()
    for replica in replicas:
        await replica.notifier.deliver()


def headlines(receiver: WebhookReceiver) -> list[str]:
    """Return the first line of each post, without its time."""
    return [text.splitlines()[0].partition(",")[0] for text in receiver.texts]


@asynccontextmanager
async def administrator(server: NatsServer) -> AsyncIterator[JetStreamContext]:
    """JetStream with all rights."""
    client = await nats_client.connect(server.url())
    try:
        yield client.jetstream(timeout=HANG_SECONDS)
    finally:
        await client.close()


async def dead_letter(jetstream: JetStreamContext, reason: str) -> int:
    """Store a dead letter; return its sequence."""
    return (await jetstream.publish(DEAD, b"{}", headers={"Bongsu-Reason": reason})).seq


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    """The other side of NOTIFY_URL."""
    async with webhook_receiver() as serving:
        serving.headers = {"Retry-After": "0"}
        yield serving


@pytest.fixture
def stack() -> Stack:
    """A healthy stack."""
    return Stack()


@pytest.fixture
async def start(
    fresh_nats: NatsServer, receiver: WebhookReceiver, stack: Stack
) -> AsyncIterator[StartReplica]:
    """Start replicas against a real NATS, with the rights of health."""
    async with AsyncExitStack() as resources:

        async def begin(name: str) -> Replica:
            bus = Bus(fresh_nats.url("health"), service="health", instance=name)
            await bus.connect()
            await bus.start()
            resources.push_async_callback(bus.close)
            webhook = Webhook(SecretStr(receiver.url))
            resources.push_async_callback(webhook.close)
            stack.live.add(name)
            leader = Leader(bus, instance=name, live_instances=lambda: stack.live)
            outcomes: list[str] = []
            notifier = Notifier(
                bus=bus,
                leader=leader,
                debounce=Debounce(1.0),
                webhook=webhook,
                detail=stack.detail,
                newest_dead=lambda: stack.newest_dead,
                count=outcomes.append,
            )
            return Replica(name, bus, notifier, leader, stack, outcomes)

        yield begin


async def test_each_change_is_posted_once_and_in_order(
    start: StartReplica, receiver: WebhookReceiver
) -> None:
    health = await start("a")
    await see("healthy", health)
    assert receiver.posts == []
    await see("unhealthy", health)
    await see("unhealthy", health)
    await see("degraded", health)
    await see("healthy", health)
    assert headlines(receiver) == [
        "Bongsu is unhealthy (was healthy)",
        "Bongsu is degraded (was unhealthy)",
        "Bongsu is healthy (was degraded)",
    ]
    assert health.outcomes == ["sent"] * 3


async def test_a_stack_that_is_unhealthy_from_its_first_moment_is_announced(
    start: StartReplica, receiver: WebhookReceiver
) -> None:
    await see("unhealthy", await start("a"))
    assert headlines(receiver) == ["Bongsu is unhealthy (was healthy)"]


async def test_of_two_replicas_only_the_leader_posts(start: StartReplica, receiver: WebhookReceiver) -> None:
    first, second = await start("a"), await start("b")
    for status in ("healthy", "unhealthy", "healthy"):
        await see(status, first, second)
    assert len(receiver.posts) == 2
    assert (first.leader.is_leader, second.leader.is_leader) == (True, False)


async def test_the_next_leader_announces_each_change_after_the_last_one_delivered_and_no_earlier_one(
    start: StartReplica, receiver: WebhookReceiver
) -> None:
    first, second = await start("a"), await start("b")
    await see("healthy", first, second)
    await see("unhealthy", first, second)
    await see("unhealthy", first, second)
    first.die()
    await see("unhealthy", second)
    assert len(receiver.posts) == 1
    await see("healthy", second)
    assert headlines(receiver)[1:] == ["Bongsu is healthy (was unhealthy)"]


async def test_what_a_dying_leader_could_not_deliver_is_delivered_by_the_next_one_although_it_is_over(
    start: StartReplica, receiver: WebhookReceiver
) -> None:
    first, second = await start("a"), await start("b")
    await see("healthy", first, second)
    receiver.statuses = [503] * 4
    with pytest.raises(TransientError, match="NOTIFY_URL answers 503"):
        await see("unhealthy", first, second)
    first.die()
    await see("healthy", second)
    assert headlines(receiver) == ["Bongsu is unhealthy (was healthy)", "Bongsu is healthy (was unhealthy)"]


async def test_a_problem_that_is_over_before_the_leader_counts_as_dead_is_announced_by_the_next_one(
    start: StartReplica, receiver: WebhookReceiver, stack: Stack
) -> None:
    first, second = await start("a"), await start("b")
    await see("healthy", first, second)
    # From here on the first one looks no more, and its last heartbeat is not old yet.
    stack.status = "unhealthy"
    await second.settle(2.0)
    stack.status = "healthy"
    await second.settle(3.0)
    first.die()
    await second.settle(1.0)
    await second.notifier.deliver()
    assert headlines(receiver) == ["Bongsu is unhealthy (was healthy)", "Bongsu is healthy (was unhealthy)"]


async def test_after_a_post_that_may_have_been_taken_the_next_leader_announces_what_holds(
    start: StartReplica, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_module, "ANSWER_SECONDS", 0.2)
    first = await start("a")
    await see("healthy", first)
    # The receiver takes the post, and its sender dies before it knows that.
    receiver.silent = True
    with pytest.raises(TransientError, match="did not answer"):
        await see("unhealthy", first)
    receiver.silent = False
    first.die()
    await see("healthy", await start("b"))
    assert headlines(receiver) == ["Bongsu is unhealthy (was healthy)", "Bongsu is healthy"]


async def test_a_restart_announces_what_began_meanwhile_and_repeats_nothing(
    start: StartReplica, receiver: WebhookReceiver
) -> None:
    first = await start("a")
    await see("healthy", first)
    first.die()
    second = await start("b")
    await see("unhealthy", second)
    second.die()
    await see("unhealthy", await start("c"))
    assert headlines(receiver) == ["Bongsu is unhealthy (was healthy)"]


async def test_a_leader_that_another_one_overtook_posts_nothing_more(
    start: StartReplica, receiver: WebhookReceiver, stack: Stack
) -> None:
    first, second = await start("a"), await start("b")
    await see("healthy", first, second)
    stack.status = "unhealthy"
    await first.settle()
    # Its heartbeats do not come for a while, but it lives.
    first.die()
    await see("unhealthy", second)
    stack.live.add("a")
    await first.notifier.deliver()
    assert len(receiver.posts) == 1
    assert not first.leader.is_leader


async def test_without_nats_every_replica_posts_and_afterwards_one_of_them_leads(
    start: StartReplica, receiver: WebhookReceiver, fresh_nats: NatsServer
) -> None:
    replicas = await start("a"), await start("b")
    await see("healthy", *replicas)
    fresh_nats.stop()
    await eventually(lambda: not any(replica.bus.is_connected for replica in replicas))
    await see("unhealthy", *replicas)
    assert headlines(receiver) == ["Bongsu is unhealthy (was healthy)"] * 2
    fresh_nats.start()
    await eventually(lambda: all(replica.bus.is_connected for replica in replicas))
    await see("unhealthy", *replicas)
    await see("healthy", *replicas)
    await see("healthy", *replicas)
    assert headlines(receiver)[2:] == ["Bongsu is healthy (was unhealthy)"]
    assert [replica.leader.is_leader for replica in replicas].count(True) == 1


async def test_what_a_replica_posted_while_it_was_cut_off_is_taken_back_although_another_one_led(
    start: StartReplica, receiver: WebhookReceiver, fresh_nats: NatsServer
) -> None:
    first, second = await start("a"), await start("b")
    await see("healthy", first, second)
    fresh_nats.stop()
    await eventually(lambda: not (first.bus.is_connected or second.bus.is_connected))
    await see("unhealthy", second)
    fresh_nats.start()
    await eventually(lambda: first.bus.is_connected and second.bus.is_connected)
    await see("healthy", first)
    await see("healthy", second)
    assert headlines(receiver) == ["Bongsu is unhealthy (was healthy)", "Bongsu is healthy (was unhealthy)"]


async def test_a_receiver_that_fails_gets_everything_in_order_once_it_is_back(
    start: StartReplica, receiver: WebhookReceiver
) -> None:
    health = await start("a")
    await see("healthy", health)
    receiver.statuses = [500] * 8
    for status in ("unhealthy", "healthy"):
        with pytest.raises(TransientError, match="NOTIFY_URL answers 500"):
            await see(status, health)
    await health.notifier.deliver()
    assert headlines(receiver) == ["Bongsu is unhealthy (was healthy)", "Bongsu is healthy (was unhealthy)"]


async def test_a_post_that_is_refused_for_good_holds_up_no_other(
    start: StartReplica, receiver: WebhookReceiver
) -> None:
    health = await start("a")
    await see("healthy", health)
    receiver.statuses = [404]
    await see("unhealthy", health)
    await see("healthy", health)
    assert headlines(receiver) == ["Bongsu is healthy (was unhealthy)"]
    assert health.outcomes == ["failed", "sent"]


async def test_each_dead_letter_is_posted_also_by_the_next_leader_and_many_at_once_as_one(
    start: StartReplica, receiver: WebhookReceiver, stack: Stack, fresh_nats: NatsServer
) -> None:
    async with administrator(fresh_nats) as jetstream:
        stack.newest_dead = await dead_letter(jetstream, "from before the start")
        first = await start("a")
        await see("healthy", first)
        await see("healthy", first)
        stack.newest_dead = await dead_letter(jetstream, "refused with ?key=deadSecret4471 by Upbit")
        await see("healthy", first)
        first.die()
        stack.newest_dead = await dead_letter(jetstream, "while no health ran")
        second = await start("b")
        await see("healthy", second)
        for _ in range(MANY):
            stack.newest_dead = await dead_letter(jetstream, "all at once")
        await see("healthy", second)
        await see("healthy", second)
    assert headlines(receiver) == [
        "Bongsu: dead letter 2 of market.candle.closed.KRW-BTC",
        "Bongsu: dead letter 3 of market.candle.closed.KRW-BTC",
        f"Bongsu: up to {MANY} dead letters",
    ]
    assert "refused with ?key=*** by Upbit" in receiver.texts[0]


async def test_a_process_posts_what_it_finds_and_logs_no_part_of_the_address(
    postgres: PostgresServer,
    database: str,
    fresh_nats: NatsServer,
    start_health: StartHealth,
    receiver: WebhookReceiver,
) -> None:
    health = await start_health(
        postgres.url("bongsu_health", database),
        fresh_nats.url("health"),
        NOTIFY_URL=receiver.url,
        NOTIFY_SETTLE_SECONDS="1",
    )
    await eventually(lambda: "notification.sent" in health.text)
    assert "- signaler: " in receiver.texts[0]
    assert 'bongsu_notifications_total{outcome="sent"} 1.0' in (await health.http.get("/metrics")).text
    assert SECRET_PATH.rpartition("/")[2] not in health.text
    assert receiver.url not in health.text
