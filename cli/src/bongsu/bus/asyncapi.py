"""Which messages are there, as AsyncAPI? Made by FastStream from the events, streams and consumers in common.

A broker that is never connected: what each event says of itself becomes a publisher, its reader a subscriber.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from inspect import cleandoc
from typing import Any

from faststream.nats import JStream, NatsBroker, PullSub
from faststream.specification import AsyncAPI
from faststream.specification.base import Specification
from nats.js.api import DiscardPolicy

from common.bus.dead_letters import DeadHeader, dead_subject
from common.bus.inbox import inbox_of
from common.events import (
    CandlesClosed,
    ComponentReport,
    ConfigChanged,
    Event,
    JobFinished,
    ServiceHeartbeat,
    SignalGenerated,
    TickerUpdated,
)
from common.streams import CLAIM_SUBJECT, CLAIMS, CONSUMERS, DAY, DEAD, DEAD_PREFIX, STREAMS

DESCRIPTION = """\
Services of Bongsu talk over NATS. Prices and volumes are decimal numbers as strings, times are UTC. Fields
may be added, so readers ignore what they do not know; a breaking change is a new subject ending in `.v2`."""

PUBLISHED: tuple[type[Event], ...] = (
    CandlesClosed,
    TickerUpdated,
    SignalGenerated,
    ConfigChanged,
    JobFinished,
    ServiceHeartbeat,
)
# Who hears an event as it is sent, without a durable consumer.
HEARD: Mapping[type[Event], str] = {
    TickerUpdated: "health",
    SignalGenerated: "health",
    ConfigChanged: "every-instance",
    JobFinished: "health",
    ServiceHeartbeat: "health",
}


def message_contract() -> Specification:
    """Return the document; `to_json()` and `to_yaml()` write it."""
    broker = NatsBroker("nats://127.0.0.1:4222")
    for event in PUBLISHED:
        broker.publisher(event.subject, schema=event, title=event.__name__, description=_described(event))
    _add_those_that_are_no_event(broker)
    _add_readers(broker)
    document = AsyncAPI(
        broker,
        title="Bongsu",
        version=version("bongsu-common"),
        description=DESCRIPTION,
        license={"name": "Apache-2.0"},
    ).to_specification()
    return _in_order(document)


def _in_order(document: Specification) -> Specification:
    """Sort what FastStream keeps in sets, so that one build always prints the same."""
    schema: Any = document
    schema.channels = dict(sorted(schema.channels.items()))
    schema.operations = dict(sorted(schema.operations.items()))
    schema.components.messages = dict(sorted(schema.components.messages.items()))
    schema.components.schemas = dict(sorted(schema.components.schemas.items()))
    return document


def _add_those_that_are_no_event(broker: NatsBroker) -> None:
    broker.publisher(
        CLAIM_SUBJECT,
        schema=str,
        title="JobClaimed",
        description="The name of the instance that runs a job at a scheduled time; the first one wins."
        f" Sent and read by every replica.{_kept(CLAIMS)}",
    )
    broker.publisher(
        dead_subject("{original_subject}"),
        schema=bytes,
        title="DeadMessage",
        description="The bytes of a message that no service could handle; its subject is everything behind"
        f" `{DEAD_PREFIX}`. Headers say why: {', '.join(DeadHeader)}. Sent by the bus layer; read by"
        f" `bongsu dead`.{_kept(DEAD)}",
    )
    broker.publisher(
        ComponentReport.subject,
        schema=bytes,
        title="HealthCheck",
        description="A question without a body, which every instance answers. Sent by health.",
    )
    broker.publisher(
        f"{inbox_of('health')}.{{token}}",
        schema=ComponentReport,
        title=ComponentReport.__name__,
        description=f"The reply to `{ComponentReport.subject}`, to the inbox that it names.",
    )


def _add_readers(broker: NatsBroker) -> None:
    for consumer in CONSUMERS:
        consumed = broker.subscriber(
            CandlesClosed.subject,
            title=consumer.name,
            description=f"A durable consumer of {consumer.stream}: message by message, acknowledged by hand.",
            stream=JStream(consumer.stream, declare=False),
            durable=consumer.name,
            pull_sub=PullSub(batch_size=1),
        )
        _give(consumed, CandlesClosed)
    for event, reader in HEARD.items():
        heard = broker.subscriber(
            event.subject,
            title=f"{reader}-{event.__name__}",
            description="Without a queue group or acknowledgement: what nobody hears is not repeated.",
        )
        _give(heard, event)


def _give(subscriber: Any, event: type[Event]) -> None:
    async def on_message(message: Event) -> None:
        """Never called: the broker is not connected."""

    on_message.__annotations__["message"] = event
    on_message.__doc__ = None
    subscriber(on_message)


def _described(event: type[Event]) -> str:
    return cleandoc(event.__doc__ or "") + (_kept(event.stream) if event.stream else "\n\nNot kept.")


def _kept(stream: str) -> str:
    [kept] = (config for config in STREAMS if config.name == stream)
    days = (kept.max_age or 0) / DAY
    when_full = (
        "refuses new messages" if kept.discard is DiscardPolicy.NEW else "lets go of its oldest messages"
    )
    return f"\n\nKept {days:.0f} days in the stream {stream}, which {when_full} when it is full."
