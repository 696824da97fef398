"""The users of NATS and their rights: a user per service, allowed what the events say of it and nothing else.

Only the rights that belong to no event are named here: claims, dead letters, inboxes and JetStream's API.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from common.bus.dead_letters import dead_subject
from common.bus.inbox import inbox_of
from common.events import EVENTS, SERVICES, User, subject_pattern
from common.streams import CLAIM_SUBJECT, CLAIMS, CONSUMERS, DEAD, STREAMS, Consumer

# The reconciler and the operator: may do everything.
ADMIN = "admin"
_API = "$JS.API"
_MESSAGE = f"{_API}.STREAM.MSG.GET"


@dataclass(frozen=True)
class Rights:
    """All that a user may publish and subscribe to; `answers`: also one reply to a request it received."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    answers: bool = False


def _rights(user: User) -> Rights:
    publish = [*_event_subjects_to_publish(user), *_OTHER_SUBJECTS.get(user, ())]
    inbox = f"{inbox_of(user)}.>"
    if user in SERVICES:
        claims = subject_pattern(CLAIM_SUBJECT, service=user)
        # Its own inbox is for the message by which it knows that it receives any.
        publish += [claims, f"{_MESSAGE}.{CLAIMS}", inbox]
    return Rights(
        publish=tuple(publish),
        subscribe=(inbox, *_event_subjects_to_subscribe(user)),
        answers=any(user in event.senders for event in EVENTS if event.is_reply),
    )


def _event_subjects_to_publish(user: User) -> Iterator[str]:
    for event in EVENTS:
        if user in (event.readers if event.is_reply else event.senders):
            yield subject_pattern(event.subject, service=user)
        if user in event.stream_readers:
            yield from _to_read_stream(str(event.stream))
    for consumer in CONSUMERS:
        if consumer.service == user:
            yield from _to_consume(consumer)


def _event_subjects_to_subscribe(user: User) -> Iterator[str]:
    consumed = {consumer.event for consumer in CONSUMERS if consumer.service == user}
    for event in EVENTS:
        if user in (event.senders if event.is_reply else event.readers) and event not in consumed:
            yield subject_pattern(event.subject)


def _to_consume(consumer: Consumer) -> tuple[str, ...]:
    """Return what is published to read a durable consumer, and to acknowledge or dead-letter its messages."""
    name = f"{consumer.stream}.{consumer.name}"
    return (
        f"{_API}.CONSUMER.INFO.{name}",
        f"{_API}.CONSUMER.MSG.NEXT.{name}",
        f"$JS.ACK.{name}.>",
        dead_subject(consumer.subject),
    )


def _to_read_stream(stream: str) -> tuple[str, ...]:
    """Return what is published to read a whole stream through a consumer that the server names.

    A durable one cannot be made so: the server refuses one whose name is not in the subject.
    """
    return (
        f"{_API}.CONSUMER.CREATE.{stream}",
        *(f"{_API}.CONSUMER.{call}.{stream}.*" for call in ("INFO", "MSG.NEXT", "DELETE")),
    )


_OTHER_SUBJECTS: Mapping[User, tuple[str, ...]] = {
    # How full each stream is, and for a notification why each dead letter is dead.
    "health": (*(f"{_API}.STREAM.INFO.{stream.name}" for stream in STREAMS), f"{_MESSAGE}.{DEAD}"),
}
RIGHTS: Mapping[str, Rights] = {user: _rights(user) for user in get_args(User)}
USERS = (ADMIN, *RIGHTS)
