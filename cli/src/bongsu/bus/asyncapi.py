"""The AsyncAPI document: FastStream makes it from the events, streams and consumers that common declares.

The broker is never connected: each event becomes a publisher, each of its readers a subscriber.
"""

from __future__ import annotations

from importlib.metadata import version
from inspect import cleandoc
from typing import Any

from faststream.nats import NatsBroker
from faststream.specification import AsyncAPI
from faststream.specification.base import Specification
from nats.js.api import DiscardPolicy

from common.bus.dead_letters import DeadHeader, dead_subject
from common.bus.inbox import inbox_of
from common.events import EVENTS, Event
from common.streams import CLAIM_SUBJECT, CLAIMS, CONSUMERS, DAY, DEAD, DEAD_PREFIX, STREAMS

DESCRIPTION = """\
Services of Bongsu talk over NATS. Prices and volumes are decimal numbers as strings, times are UTC. Fields
may be added, so readers ignore what they do not know; a breaking change is a new subject ending in `.v2`."""


def message_contract() -> Specification:
    """Return the document; `to_json()` and `to_yaml()` write it."""
    broker = NatsBroker("nats://127.0.0.1:4222")
    for event in EVENTS:
        if event.is_reply:
            _add_request_and_reply(broker, event)
        else:
            broker.publisher(event.subject, schema=event, title=event.__name__, description=_described(event))
            _add_readers(broker, event)
    _add_claims_and_dead_letters(broker)
    document = AsyncAPI(
        broker,
        title="Bongsu",
        version=version("bongsu-common"),
        description=DESCRIPTION,
        license={"name": "Apache-2.0"},
    ).to_specification()
    # Sorted, since FastStream keeps them in sets and one build always prints the same.
    schema: Any = document
    schema.channels = dict(sorted(schema.channels.items()))
    schema.operations = dict(sorted(schema.operations.items()))
    schema.components.messages = dict(sorted(schema.components.messages.items()))
    schema.components.schemas = dict(sorted(schema.components.schemas.items()))
    return document


def _add_request_and_reply(broker: NatsBroker, event: type[Event]) -> None:
    broker.publisher(
        event.subject,
        schema=bytes,
        # health.check is HealthCheck.
        title=event.subject.title().replace(".", ""),
        description="A request without a body, which each instance answers."
        f" Sent by {', '.join(event.readers)}.",
    )
    for reader in event.readers:
        broker.publisher(
            f"{inbox_of(reader)}.{{token}}",
            schema=event,
            title=event.__name__,
            description=f"The reply to `{event.subject}`, to the inbox that it names.",
        )


def _add_readers(broker: NatsBroker, event: type[Event]) -> None:
    durable = {consumer.service: consumer.name for consumer in CONSUMERS if consumer.event is event}
    for reader in event.readers:
        if name := durable.get(reader):
            how = f"A durable consumer of {event.stream}; each message is acknowledged by hand."
        else:
            name = f"{reader}-{event.__name__}"
            how = "Without a queue group or acknowledgement: what is missed is not repeated."
        _add_reader(broker, event, name, how)
    for reader in event.stream_readers:
        how = f"Reads all that {event.stream} holds, through a consumer that ends with the reading."
        _add_reader(broker, event, f"{reader}-{event.__name__}-history", how)


def _add_reader(broker: NatsBroker, event: type[Event], name: str, how: str) -> None:
    async def on_message(message: Event) -> None:
        """Never called: the broker is not connected."""

    on_message.__annotations__["message"] = event
    on_message.__doc__ = None
    broker.subscriber(event.subject, title=name, description=how)(on_message)


def _add_claims_and_dead_letters(broker: NatsBroker) -> None:
    broker.publisher(
        CLAIM_SUBJECT,
        schema=str,
        title="JobClaimed",
        description="The name of the instance that runs a job at a scheduled time; the first one wins."
        f" Sent and read by every replica.\n\n{_kept(CLAIMS)}",
    )
    broker.publisher(
        dead_subject("{original_subject}"),
        schema=bytes,
        title="DeadMessage",
        description="The bytes of a message that no service could handle; its subject is everything after"
        f" `{DEAD_PREFIX}`. Headers say why: {', '.join(DeadHeader)}. Sent by the bus layer; read by"
        f" `bongsu dead`.\n\n{_kept(DEAD)}",
    )


def _described(event: type[Event]) -> str:
    return "\n\n".join(
        (
            cleandoc(event.__doc__ or ""),
            f"Sent by {', '.join(event.senders)};"
            f" read by {', '.join((*event.readers, *event.stream_readers))}.",
            _kept(event.stream) if event.stream else "Not kept.",
        )
    )


def _kept(stream: str) -> str:
    [kept] = (config for config in STREAMS if config.name == stream)
    days = f"{(kept.max_age or 0) / DAY:.0f}"
    when_full = (
        "refuses new messages" if kept.discard is DiscardPolicy.NEW else "lets go of its oldest messages"
    )
    return (
        f"Kept {days} {'day' if days == '1' else 'days'} in the stream {stream}, which {when_full} when it is"
        " full."
    )
