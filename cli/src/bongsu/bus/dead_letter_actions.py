"""How does a message leave DEAD? Only if all that were named are there; what became of each is told."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from nats.aio.client import Client
from nats.errors import MaxPayloadError
from nats.js.errors import APIError, NoStreamResponseError

from bongsu.bus.dead_letters import (
    DeadMessage,
    all_sequences,
    dead_messages,
    delete,
    delete_all,
    find,
    send_again,
    stream_of,
)
from bongsu.errors import CommandError

GONE = "is gone; somebody else has sent it again or dropped it"


@dataclass(frozen=True)
class Left:
    """What became of one message, in words, and whether it is still dead."""

    sequence: int
    said: str
    is_kept: bool = False


async def retry_each(url: str, sequences: Sequence[int] | None) -> AsyncGenerator[Left, None]:
    """Send messages again (None: all), delete each once it is stored, and yield what became of it.

    Raises:
        UnreachableError: NATS does not answer; those not yielded are still dead.
        CommandError: One of them is not there, so that nothing was done, or NATS refuses this user.
    """
    async with _chosen(url, sequences, "sent again") as (client, chosen):
        for sequence in chosen:
            message = await find(client, sequence)
            yield await _retry(client, message) if message else Left(sequence, GONE)


async def drop_each(url: str, sequences: Sequence[int]) -> AsyncGenerator[Left, None]:
    """Delete messages, and yield what became of each; same errors as `retry_each`."""
    async with _chosen(url, sequences, "dropped") as (client, chosen):
        for sequence in chosen:
            yield Left(sequence, "dropped" if await delete(client, sequence) else GONE)


async def drop_all(url: str) -> int:
    """Delete every message that is dead now; returns how many. Same errors as `retry_each`."""
    async with dead_messages(url) as client:
        return await delete_all(client)


async def _retry(client: Client, message: DeadMessage) -> Left:
    sequence, subject = message.sequence, message.subject
    stream = stream_of(subject)
    if stream is None:
        return _kept(sequence, f"no stream takes {subject}; `bongsu dead drop {sequence}` deletes it")
    try:
        stored = await send_again(client, message, stream)
    except NoStreamResponseError:
        return _kept(
            sequence, f"NATS has no stream {stream}; try again while `bongsu up` or the reconciler runs"
        )
    except (APIError, MaxPayloadError) as error:
        said = error.description if isinstance(error, APIError) else "it is too large"
        return _kept(sequence, f"{stream} refuses it: {said}")
    # Ended before this, it is sent a second time: no effect is doubled, and none is lost.
    await delete(client, sequence)
    done = "had been sent before" if stored.duplicate else "sent again"
    return Left(sequence, f"{done} to {subject} ({stream} {stored.seq}); no longer dead")


def _kept(sequence: int, reason: str) -> Left:
    return Left(sequence, f"kept: {reason}", is_kept=True)


@asynccontextmanager
async def _chosen(
    url: str, sequences: Sequence[int] | None, done: str
) -> AsyncIterator[tuple[Client, Sequence[int]]]:
    async with dead_messages(url) as client:
        if sequences is None:
            yield client, await all_sequences(client)
            return
        missing = [str(sequence) for sequence in sequences if await find(client, sequence) is None]
        if missing:
            raise CommandError(
                f"no dead message is {', '.join(missing)}; `bongsu dead list` shows those there are;"
                f" nothing was {done}"
            )
        yield client, sequences
