"""The dead letters: what the stream DEAD keeps, and how a message leaves it.

One that is sent again is stored in its own stream first and deleted only then, so that none is lost.
"""

from __future__ import annotations

import base64
import re
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import MaxPayloadError
from nats.js.api import ConsumerConfig, DeliverPolicy, Header, PubAck
from nats.js.errors import APIError, NoStreamResponseError, NotFoundError

from bongsu.bus.connection import connected, jetstream_of
from bongsu.bus.reader import read_stream
from bongsu.errors import CommandError
from common.bus.dead_letters import dead_subject, original_subject
from common.streams import DEAD, STREAMS

NO_MESSAGE_FOUND = 10037
NOT_DELETED = 10057
SIZE_HEADER = "Nats-Msg-Size"
TRACE_HEADER = "traceparent"
GONE = "is gone; it was sent again or dropped by another command"


@dataclass(frozen=True)
class DeadLetter:
    """One message of DEAD.

    Attributes:
        sequence: Its own in DEAD; the original's is in the headers.
        stored_at: When it was dead-lettered, UTC.
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


@dataclass(frozen=True)
class Outcome:
    """What became of one message, in words, and whether it is still dead."""

    sequence: int
    text: str
    is_kept: bool = False


def open_dead_letters(url: str) -> AbstractAsyncContextManager[Client]:
    """Connect for the other functions here; same errors as `connected`."""
    return connected(url, command="dead", stream=DEAD)


async def newest(url: str, limit: int) -> tuple[list[DeadLetter], int]:
    """Return the newest messages without their bodies, newest first, and how many there are in all."""
    async with open_dead_letters(url) as client:
        state = (await jetstream_of(client).stream_info(DEAD)).state
        # However the deleted ones lie among them, from here on there are `limit` messages, or all.
        start = max(state.first_seq, state.last_seq - limit - (state.num_deleted or 0) + 1)
        async with _headers_from(client, start) as messages:
            kept = deque([message async for message in messages], maxlen=limit)
    return list(reversed(kept)), state.messages


async def find(client: Client, sequence: int) -> DeadLetter | None:
    """Return one message with its body, None where there is none of this sequence."""
    try:
        found = await jetstream_of(client).get_msg(DEAD, sequence)
    except NotFoundError as error:
        if error.err_code == NO_MESSAGE_FOUND:
            return None
        raise
    body = found.data or b""
    return DeadLetter(
        sequence=sequence,
        stored_at=found.time or datetime.fromtimestamp(0, UTC),
        subject=original_subject(found.subject or ""),
        size=len(body),
        headers=_parsed(base64.b64decode(found.hdrs or b"")),
        body=body,
    )


async def send_again(client: Client, dead: DeadLetter, stream: str) -> PubAck:
    """Publish the original's bytes to its subject; stored when this returns.

    Sent a second time within the stream's duplicate window it is not stored again; the answer is marked so.

    Raises:
        APIError: The stream refuses it.
    """
    # With the time, since sequences begin at 1 again in a DEAD that was made a second time.
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


async def retry_each(url: str, sequences: Sequence[int] | None) -> AsyncGenerator[Outcome, None]:
    """Send messages again (None: all), delete each once it is stored, and yield what became of it.

    Raises:
        UnreachableError: NATS does not answer; those not yielded are still dead.
        CommandError: One of them is not there, so that nothing was done, or NATS refuses this user.
    """
    async with _chosen(url, sequences, "sent again") as (client, chosen):
        for sequence in chosen:
            message = await find(client, sequence)
            yield await _retry(client, message) if message else Outcome(sequence, GONE)


async def drop_each(url: str, sequences: Sequence[int]) -> AsyncGenerator[Outcome, None]:
    """Delete messages, and yield what became of each; same errors as `retry_each`."""
    async with _chosen(url, sequences, "dropped") as (client, chosen):
        for sequence in chosen:
            yield Outcome(sequence, "dropped" if await delete(client, sequence) else GONE)


async def drop_all(url: str) -> int:
    """Delete every message that is dead now; returns how many. Same errors as `retry_each`."""
    async with open_dead_letters(url) as client:
        jetstream = jetstream_of(client)
        state = (await jetstream.stream_info(DEAD)).state
        await jetstream.purge_stream(DEAD, seq=state.last_seq + 1)
        return state.messages


async def _retry(client: Client, message: DeadLetter) -> Outcome:
    sequence, subject = message.sequence, message.subject
    stream = _stream_of(subject)
    if stream is None:
        return _kept(sequence, f"no stream takes {subject}; `bongsu dead drop {sequence}` deletes it")
    try:
        stored = await send_again(client, message, stream)
    except NoStreamResponseError:
        return _kept(
            sequence, f"NATS has no stream {stream}; try again while `bongsu up` or the reconciler runs"
        )
    except (APIError, MaxPayloadError) as error:
        reason = error.description if isinstance(error, APIError) else "it is too large"
        return _kept(sequence, f"{stream} refuses it: {reason}")
    # Ended before this, it is sent a second time: no effect is doubled, and none is lost.
    await delete(client, sequence)
    done = "had been sent before" if stored.duplicate else "sent again"
    return Outcome(sequence, f"{done} to {subject} ({stream} {stored.seq}); no longer dead")


def _stream_of(subject: str) -> str | None:
    """Return the stream that takes messages of a subject, other than DEAD; None where there is none."""
    for stream in STREAMS:
        for pattern in stream.subjects or ():
            if stream.name != DEAD and re.fullmatch(re.escape(pattern).replace(r"\*", "[^.]+"), subject):
                return stream.name
    return None


def _kept(sequence: int, reason: str) -> Outcome:
    return Outcome(sequence, f"kept: {reason}", is_kept=True)


@asynccontextmanager
async def _chosen(
    url: str, sequences: Sequence[int] | None, done: str
) -> AsyncIterator[tuple[Client, Sequence[int]]]:
    async with open_dead_letters(url) as client:
        if sequences is None:
            async with _headers_from(client, 1) as messages:
                sequences = [message.sequence async for message in messages]
            yield client, sequences
            return
        missing = [str(sequence) for sequence in sequences if await find(client, sequence) is None]
        if missing:
            raise CommandError(
                f"no dead letter is {', '.join(missing)}; `bongsu dead list` shows those there are;"
                f" nothing was {done}"
            )
        yield client, sequences


@asynccontextmanager
async def _headers_from(client: Client, sequence: int) -> AsyncIterator[AsyncIterator[DeadLetter]]:
    start = ConsumerConfig(
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=max(sequence, 1), headers_only=True
    )
    async with read_stream(client, DEAD, dead_subject(">"), start) as messages:
        yield (_from_message(message) async for message in messages)


def _from_message(message: Msg) -> DeadLetter:
    headers = dict(message.headers or {})
    return DeadLetter(
        sequence=message.metadata.sequence.stream,
        stored_at=message.metadata.timestamp.astimezone(UTC),
        subject=original_subject(message.subject),
        size=int(headers.pop(SIZE_HEADER, 0)),
        headers=headers,
    )


def _parsed(block: bytes) -> dict[str, str]:
    # What nats-py itself makes of it here loses every letter that is not ASCII.
    lines = block.decode("utf-8", "replace").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}
