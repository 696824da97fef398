"""Which messages are in the stream DEAD, and how does one leave it? Sent again first, deleted only then."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig, DeliverPolicy, Header, PubAck, RawStreamMsg
from nats.js.errors import APIError, NotFoundError

from bongsu.bus.connection import connected, jetstream_of
from bongsu.bus.reader import reading
from common.bus.dead_letters import DeadHeader, dead_subject, original_subject
from common.streams import DEAD, STREAMS

NO_MESSAGE_FOUND = 10037
NOT_DELETED = 10057
SIZE_HEADER = "Nats-Msg-Size"
TRACE_HEADER = "traceparent"


@dataclass(frozen=True)
class DeadMessage:
    """One message of DEAD.

    Attributes:
        sequence: Its own in DEAD; the original's is in the headers.
        stored_at: When it was given up, UTC.
        subject: The original's.
        size: Bytes of the body.
        body: The original's bytes; b"" where only the headers were read.
    """

    sequence: int
    stored_at: datetime
    subject: str
    headers: Mapping[str, str]
    size: int
    body: bytes = b""

    def told(self, header: DeadHeader) -> str | None:
        """Return what whoever gave it up said, None where nothing is said."""
        return self.headers.get(header)


def dead_messages(url: str) -> AbstractAsyncContextManager[Client]:
    """Connect for the other functions here; same errors as `connected`."""
    return connected(url, command="dead", stream=DEAD)


async def newest(client: Client, limit: int) -> tuple[list[DeadMessage], int]:
    """Return the newest messages without their bodies, newest first, and how many there are in all."""
    state = (await jetstream_of(client).stream_info(DEAD)).state
    # However the deleted ones lie among them, `limit` messages are behind this one, or all.
    start = max(state.first_seq, state.last_seq - limit - (state.num_deleted or 0) + 1)
    async with _headers_from(client, start) as messages:
        kept = deque([message async for message in messages], maxlen=limit)
    return list(reversed(kept)), state.messages


async def all_sequences(client: Client) -> list[int]:
    """Return the sequence of every message, oldest first."""
    async with _headers_from(client, 1) as messages:
        return [message.sequence async for message in messages]


async def find(client: Client, sequence: int) -> DeadMessage | None:
    """Return one message with its body, None where there is none of this sequence."""
    try:
        found = await jetstream_of(client).get_msg(DEAD, sequence)
    except NotFoundError as error:
        if error.err_code == NO_MESSAGE_FOUND:
            return None
        raise
    return _from_raw(sequence, found)


def stream_of(subject: str) -> str | None:
    """Return the stream that takes messages of a subject, None where there is none; DEAD is none to go on."""
    names = [
        str(stream.name)
        for stream in STREAMS
        if stream.name != DEAD and any(_matches(subject, taken) for taken in stream.subjects or ())
    ]
    return names[0] if names else None


async def send_again(client: Client, dead: DeadMessage, stream: str) -> PubAck:
    """Publish the original's bytes to its subject; stored when this returns.

    Sent a second time within the stream's duplicate window it is not stored again, which the answer tells.

    Raises:
        APIError: The stream refuses it.
    """
    # With the time, since sequences begin at 1 again in a DEAD that was made anew.
    headers = {Header.MSG_ID.value: f"retry:{dead.sequence}:{dead.stored_at.timestamp():.6f}"}
    if trace := dead.headers.get(TRACE_HEADER):
        headers[TRACE_HEADER] = trace
    return await jetstream_of(client).publish(dead.subject, dead.body, stream=stream, headers=headers)


async def delete(client: Client, sequence: int) -> bool:
    """Delete a message; returns False where it is gone already."""
    try:
        return await jetstream_of(client).delete_msg(DEAD, sequence)
    except APIError as error:
        if error.err_code in (NO_MESSAGE_FOUND, NOT_DELETED):
            return False
        raise


async def delete_all(client: Client) -> int:
    """Delete every message that is there now, at once; returns how many."""
    jetstream = jetstream_of(client)
    state = (await jetstream.stream_info(DEAD)).state
    await jetstream.purge_stream(DEAD, seq=state.last_seq + 1)
    return state.messages


@asynccontextmanager
async def _headers_from(client: Client, sequence: int) -> AsyncIterator[AsyncIterator[DeadMessage]]:
    start = ConsumerConfig(
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=max(sequence, 1), headers_only=True
    )
    async with reading(client, DEAD, dead_subject(">"), start) as messages:
        yield (_from_message(message) async for message in messages)


def _from_message(message: Msg) -> DeadMessage:
    headers = dict(message.headers or {})
    return DeadMessage(
        sequence=message.metadata.sequence.stream,
        stored_at=message.metadata.timestamp.astimezone(UTC),
        subject=original_subject(message.subject),
        size=int(headers.pop(SIZE_HEADER, 0)),
        headers=headers,
    )


def _from_raw(sequence: int, message: RawStreamMsg) -> DeadMessage:
    body = message.data or b""
    return DeadMessage(
        sequence=sequence,
        stored_at=message.time or datetime.fromtimestamp(0, UTC),
        subject=original_subject(message.subject or ""),
        size=len(body),
        headers=_parsed(base64.b64decode(message.hdrs or b"")),
        body=body,
    )


def _parsed(block: bytes) -> dict[str, str]:
    # What nats-py itself makes of it here loses every letter that is not ASCII.
    lines = block.decode("utf-8", "replace").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _matches(subject: str, taken: str) -> bool:
    ours, theirs = subject.split("."), taken.split(".")
    if theirs[-1] == ">":
        ours, theirs = ours[: len(theirs) - 1], [*theirs[:-1]]
    return len(ours) == len(theirs) and all(b in ("*", a) for a, b in zip(ours, theirs, strict=True))
