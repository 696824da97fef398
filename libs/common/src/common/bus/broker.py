"""The NATS connection of a process: one FastStream broker, whose streams the reconciler declares.

Publishing to a stream is awaited and carries a `Nats-Msg-Id`, so it is stored once or it raises. What a
consumer does with a message that fails is decided in `delivery.py`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog
from faststream import AckPolicy
from faststream.exceptions import IncorrectState
from faststream.nats import JStream, NatsBroker, NatsMessage, PullSub
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.js import JetStreamContext
from nats.protocol.parser import PERMISSIONS_ERR
from opentelemetry.trace import SpanKind

from common.bus.decoder import read_event
from common.bus.delivery import Delivery, Dispatcher
from common.bus.inbox import inbox_prefix
from common.bus.permission_violations import PermissionViolations
from common.bus.publish_failures import PublishFailures
from common.errors import PermanentError, TransientError
from common.events import MAX_MESSAGE_BYTES, ComponentReport, ConfigChanged, Event
from common.settings import nats_servers
from common.streams import Consumer
from common.telemetry.names import Attribute, AttributeValue, LogEvent, SpanName
from common.telemetry.spans import inject_trace, span

EventT = TypeVar("EventT", bound=Event)

# Twice and again while a cluster chooses a leader: a message sent to the one before is never answered.
PUBLISH_SECONDS = 2.0
FETCH_SECONDS = 1.0
SELF_TEST_SECONDS = 3.0
CLOSE_SECONDS = 1.5
MESSAGE_ID = "Nats-Msg-Id"


class Bus:
    """One process's connection.

    Args:
        urls: NATS_URL, of one server or a cluster, with the service's user, the only reader of its inboxes.
    """

    def __init__(self, urls: str, *, service: str, instance: str) -> None:
        self._log = structlog.get_logger("common.bus")
        self._reconnect_hooks: list[Callable[[], Awaitable[None]]] = []
        self._subscribers: dict[Consumer, Any] = {}
        self._inbox_prefix = inbox_prefix(urls)
        self.violations = PermissionViolations()
        self.publish_failures = PublishFailures()
        self.dispatcher = Dispatcher(self)
        # FastStream's own logger brings a handler of its own, past the masking; its warnings repeat ours.
        quiet = logging.getLogger("common.bus.faststream")
        quiet.setLevel(logging.ERROR)
        self.broker = NatsBroker(
            nats_servers(urls),
            name=f"bongsu.{service}.{instance}",
            inbox_prefix=self._inbox_prefix,
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            # A frozen server is noticed in 6 s; the defaults take four minutes.
            ping_interval=2,
            max_outstanding_pings=2,
            connect_timeout=2,
            drain_timeout=1,
            graceful_timeout=2.0,
            allow_reconnect=True,
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._on_reconnected,
            ack_policy=AckPolicy.MANUAL,
            logger=quiet,
            log_level=logging.DEBUG,
        )

    async def connect(self) -> None:
        """Connect; waits for a server that starts later. Raises PermanentError for wrong credentials."""
        try:
            await self.broker.connect()
        except NatsError as error:
            raise PermanentError(f"NATS refuses the connection: {error}") from error
        self._log.info(LogEvent.BUS_CONNECTED)

    async def start(self) -> None:
        """Begin to receive; raises TransientError while a consumer is not declared yet."""
        try:
            await self.broker.start()
        except (NatsError, TimeoutError) as error:
            raise TransientError(f"NATS is not ready: {type(error).__name__}: {error}") from error

    async def self_test(self) -> None:
        """Return when a message to an inbox of its own came back and no subscription was refused so far.

        Otherwise FastStream would receive nothing, without a word.

        Raises:
            PermanentError: NATS refuses the message, or a subscription.
            TransientError: It did not come back within 3 s; NATS may have gone away meanwhile.
        """
        inbox = self.client.new_inbox()
        try:
            subscription = await self.client.subscribe(inbox)
            await self.client.publish(inbox)
            await subscription.next_msg(timeout=SELF_TEST_SECONDS)
            await subscription.unsubscribe()
        except (NatsError, OSError, TimeoutError) as error:
            kind = PermanentError if self.violations.newest else TransientError
            reason = self.violations.newest or f"{type(error).__name__} after {SELF_TEST_SECONDS:.0f} s"
            raise kind(f"nothing is received from NATS, not even an own message: {reason}") from error
        # What the server said of the subscriptions before came ahead of the message.
        if refused := self.violations.newest:
            raise PermanentError(
                f"NATS does not let this user subscribe to or publish what it must: {refused}"
            )

    async def stop_receiving(self) -> None:
        """Take no further message; those in flight have two seconds to end."""
        await asyncio.gather(*(subscriber.stop() for subscriber in self._subscribers.values()))

    async def close(self) -> None:
        """Flush and disconnect, within about a second and a half."""
        try:
            await asyncio.wait_for(self.broker.stop(), CLOSE_SECONDS)
        except (NatsError, TimeoutError, OSError) as error:
            self._log.warning(LogEvent.BUS_ERROR, error=f"{type(error).__name__}: {error}")

    @property
    def client(self) -> Client:
        """The nats-py client, for requests and claims."""
        return self.broker.connection

    @property
    def jetstream(self) -> JetStreamContext:
        """The client's JetStream context."""
        return self.client.jetstream(timeout=2)

    @property
    def is_connected(self) -> bool:
        """True while the server answers pings; False before the first connection."""
        try:
            return bool(self.broker.connection.is_connected)
        except IncorrectState:
            return False

    def on_reconnect(self, hook: Callable[[], Awaitable[None]]) -> None:
        """Have `hook` run after every reconnect: what was sent meanwhile was not received."""
        self._reconnect_hooks.append(hook)

    async def publish(self, event: Event) -> None:
        """Send an event; one with a stream is stored when this returns, and stored once.

        Raises:
            PermanentError: The message is larger than 256 kB.
            TransientError: The bus is away, full, has no such stream, or does not allow it. It may have been
                stored all the same; publishing it again is harmless.
        """
        body = event.model_dump_json().encode()
        if len(body) > MAX_MESSAGE_BYTES:
            raise PermanentError(f"{event.subject}: {len(body)} bytes, at most {MAX_MESSAGE_BYTES} are sent")
        message_id = event.message_id()
        headers = {"content-type": "application/json"} | ({MESSAGE_ID: message_id} if message_id else {})
        subject = event.subject_name()
        attributes: dict[str, str] = {
            Attribute.MESSAGING: AttributeValue.NATS,
            Attribute.MESSAGING_OPERATION: AttributeValue.PUBLISH,
            Attribute.MESSAGING_TYPE: AttributeValue.SEND,
            Attribute.DESTINATION_TEMPLATE: event.subject,
            Attribute.DESTINATION: subject,
        }
        if message_id:
            attributes[Attribute.MESSAGE_ID] = message_id
        name = SpanName.PUBLISH.format(destination=event.subject)
        with span(name, kind=SpanKind.PRODUCER, attributes=attributes):
            await self.send(subject, body, headers=inject_trace(headers), stream=event.stream)

    async def send(self, subject: str, body: bytes, *, headers: dict[str, str], stream: str | None) -> None:
        """Send bytes; same errors as `publish`."""
        try:
            async with self.violations.raise_on_refusal(subject):
                await self.broker.publish(
                    body, subject, headers=headers, stream=stream, timeout=PUBLISH_SECONDS if stream else None
                )
        except MaxPayloadError as error:
            raise PermanentError(f"{subject}: {len(body)} bytes are more than the server takes") from error
        except (NatsError, IncorrectState, TimeoutError, OSError) as error:
            reason = f"{type(error).__name__}: {error}"
            if stream:
                self.publish_failures.record_failure(stream, reason)
            raise TransientError(f"{subject} was not acknowledged: {reason}") from error
        if stream:
            self.publish_failures.record_success(stream)

    def consume(
        self,
        consumer: Consumer,
        event_type: type[EventT],
        handler: Callable[[EventT, Delivery], Awaitable[None]],
        *,
        at_once: int = 1,
    ) -> None:
        """Give every message of a durable consumer to `handler`, `at_once` at the same time."""
        subscriber = self.broker.subscriber(
            consumer.subject,
            stream=JStream(consumer.stream, declare=False),
            durable=consumer.name,
            pull_sub=PullSub(batch_size=1, timeout=FETCH_SECONDS),
            # With the dot here, without it for the client; otherwise nothing is received, silently.
            inbox_prefix=f"{self._inbox_prefix}.".encode(),
            # Not by batches: the next one would wait for the slowest message of the one before.
            max_workers=at_once,
            ack_policy=AckPolicy.MANUAL,
            decoder=_whole_message,
            title=consumer.name,
        )

        @subscriber
        async def on_message(message: Any) -> None:
            await self.dispatcher.handle(message.raw_message, event_type, handler)

        self._subscribers[consumer] = subscriber

    async def restart_subscriber(self, consumer: Consumer) -> None:
        """Subscribe again, after the durable consumer vanished and was made again."""
        subscriber = self._subscribers[consumer]
        await subscriber.stop()
        await subscriber.start()
        self._log.warning(LogEvent.BUS_CONSUMER_RESUMED, consumer=consumer.name)

    async def pause_subscriber(self, consumer: Consumer) -> None:
        """Stop fetching from a durable consumer that is gone: FastStream would spin on it, silently."""
        await self._subscribers[consumer].stop()
        self._log.error(LogEvent.BUS_CONSUMER_LOST, consumer=consumer.name)

    @property
    def consumers(self) -> tuple[Consumer, ...]:
        """The durable consumers this process reads."""
        return tuple(self._subscribers)

    def on_config_changed(self, handler: Callable[[ConfigChanged], Awaitable[None]]) -> None:
        """Have `handler` run for every committed setting: no queue group, so each instance receives it."""

        # no_reply: a core subscriber would answer the publisher's acknowledgement inbox.
        @self.broker.subscriber(ConfigChanged.subject, no_reply=True, decoder=_undecoded)
        async def on_changed(body: bytes) -> None:
            try:
                event = read_event(body, ConfigChanged)
            except PermanentError as error:
                self._log.warning(LogEvent.BUS_ERROR, subject=ConfigChanged.subject, error=str(error))
            else:
                await handler(event)

    def answer_health_check(self, report: Callable[[], ComponentReport]) -> None:
        """Answer every `health.check` request with this instance's report."""

        @self.broker.subscriber(ComponentReport.subject, decoder=_undecoded)
        async def on_check(_: bytes) -> ComponentReport:
            return report()

    async def _on_error(self, error: Exception) -> None:
        if PERMISSIONS_ERR in str(error):
            self.violations.record(str(error))
            return
        self._log.warning(LogEvent.BUS_ERROR, error=f"{type(error).__name__}: {error}")

    async def _on_disconnected(self) -> None:
        self.violations.connection_ended()
        self.publish_failures.connection_ended()
        self._log.warning(LogEvent.BUS_DISCONNECTED)

    async def _on_reconnected(self) -> None:
        self._log.info(LogEvent.BUS_RECONNECTED)
        for hook in self._reconnect_hooks:
            await hook()


async def _whole_message(message: NatsMessage, _: object) -> NatsMessage:
    """Give the handler the message itself: as a parameter from the context it costs a thread's turn each."""
    return message


async def _undecoded(message: NatsMessage, _: object) -> bytes:
    """Leave the body as it came: what is asked does not depend on it."""
    return message.body
