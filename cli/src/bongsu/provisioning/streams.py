"""The declared streams and consumers on a server: what differs, and how it is corrected."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterable
from dataclasses import dataclass, replace

from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, DeliverPolicy, StreamConfig, StreamInfo
from nats.js.errors import NotFoundError

from common.errors import TransientError
from common.streams import CONSUMERS, MAX_ACK_PENDING, STREAMS, Consumer

_STREAM_FIELDS = (
    "subjects",
    "discard",
    "max_age",
    "max_bytes",
    "max_msgs",
    "max_msg_size",
    "max_msgs_per_subject",
    "duplicate_window",
    "discard_new_per_subject",
    "num_replicas",
)
_CONSUMER_FIELDS = ("ack_policy", "ack_wait", "max_deliver", "max_ack_pending", "filter_subject")


def consumer_config(consumer: Consumer) -> ConsumerConfig:
    """Return the server's configuration of a consumer: acknowledged by hand, delivered until it is."""
    return ConsumerConfig(
        durable_name=consumer.name,
        filter_subject=consumer.subject,
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=consumer.ack_wait_seconds,
        max_deliver=-1,
        max_ack_pending=MAX_ACK_PENDING,
    )


@dataclass(frozen=True)
class _Difference:
    """A stream, or a consumer of `stream`, that is not as declared; `drifted` is None where it is missing."""

    name: str
    stream: str
    wanted: StreamConfig | ConsumerConfig
    drifted: list[str] | None

    async def correct(self, js: JetStreamContext) -> str:
        """Make it as declared; returns the sentence that says so."""
        if isinstance(self.wanted, ConsumerConfig):
            await js.add_consumer(self.stream, self.wanted)
        elif self.drifted:
            await js.update_stream(self.wanted)
        else:
            await js.add_stream(self.wanted)
        if self.drifted:
            return f"{self.name} had drifted in {', '.join(self.drifted)} and is corrected"
        return f"{self.name} was missing and is made"


async def reconcile(js: JetStreamContext, *, replicas: int = 1) -> list[str]:
    """Create what is missing, correct what has drifted; returns one sentence per change, [] when all is well.

    Args:
        replicas: How many servers hold each stream; its consumers follow it.

    Raises:
        TransientError: JetStream did not answer.
    """
    streams = [replace(stream, num_replicas=replicas) for stream in STREAMS]
    try:
        # Each is corrected before the next is asked for: a consumer needs its stream.
        return [await found.correct(js) async for found in _differing(js, streams)]
    except (NatsError, OSError, TimeoutError) as error:
        raise TransientError(f"JetStream cannot be reconciled: {type(error).__name__}: {error}") from error


async def differences(js: JetStreamContext) -> list[str]:
    """Return a sentence for each stream and consumer that is not as declared; changes nothing.

    How many servers hold a stream is left out: only the reconciler knows it.
    """
    return [
        f"{found.name} differs in {', '.join(found.drifted)}" if found.drifted else f"{found.name} is missing"
        async for found in _differing(js, STREAMS)
    ]


async def _differing(js: JetStreamContext, streams: Iterable[StreamConfig]) -> AsyncIterator[_Difference]:
    for stream in streams:
        name = str(stream.name)
        drifted = await _drifted(stream, js.stream_info(name), _STREAM_FIELDS)
        if drifted != []:
            yield _Difference(f"stream {name}", name, stream, drifted)
    for consumer in CONSUMERS:
        wanted = consumer_config(consumer)
        drifted = await _drifted(wanted, js.consumer_info(consumer.stream, consumer.name), _CONSUMER_FIELDS)
        if drifted != []:
            yield _Difference(f"consumer {consumer.name}", consumer.stream, wanted, drifted)


async def _drifted(
    wanted: object, asked: Awaitable[StreamInfo | ConsumerInfo], fields: tuple[str, ...]
) -> list[str] | None:
    """Return the fields that differ on the server, None where it has no such stream or consumer."""
    try:
        found = (await asked).config
    except NotFoundError:
        return None

    # An option that was never set comes back as None; the server means the same by its zero value.
    def value(config: object, field: str) -> object:
        return getattr(config, field) or None

    return [
        field
        for field in fields
        if value(wanted, field) is not None and value(wanted, field) != value(found, field)
    ]
