"""How does a message leave DEAD? If all that were named are there; each tells what became of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from nats.aio.client import Client
from nats.errors import MaxPayloadError
from nats.js.errors import APIError, NoStreamResponseError

from bongsu.dead_stream import (
    DeadMessage,
    all_sequences,
    dead_messages,
    delete,
    find,
    send_again,
    stream_of,
)
from bongsu.errors import CommandError

GONE = "is gone; somebody else has sent it again or dropped it"


@dataclass(frozen=True)
class Left:
    """How many messages were meant, and how many of them are still dead."""

    chosen: int
    kept: int = 0


async def retry_each(url: str, sequences: Sequence[int] | None, tell: Callable[[str], None]) -> Left:
    """Send messages again (None: all), and delete each once it is stored; `tell` gets one line for each.

    Raises:
        UnreachableError: NATS does not answer; those not told of are still dead.
        CommandError: One of them is not there, so that nothing was done, or NATS refuses this user.
    """
    kept = 0
    async with _chosen(url, sequences, "sent again") as (client, chosen):
        for sequence in chosen:
            message = await find(client, sequence)
            is_kept, said = await _retry(client, message) if message else (False, GONE)
            kept += is_kept
            tell(f"{sequence}: {said}")
    return Left(len(chosen), kept)


async def drop_each(url: str, sequences: Sequence[int] | None, tell: Callable[[str], None]) -> Left:
    """Delete messages (None: all); same errors as `retry_each`."""
    async with _chosen(url, sequences, "dropped") as (client, chosen):
        for sequence in chosen:
            tell(f"{sequence}: {'dropped' if await delete(client, sequence) else GONE}")
    return Left(len(chosen))


async def _retry(client: Client, message: DeadMessage) -> tuple[bool, str]:
    """Return whether the message is still dead, and what became of it."""
    stream = stream_of(message.subject)
    if stream is None:
        return True, (
            f"kept: no stream takes {message.subject}; `bongsu dead drop {message.sequence}` deletes it"
        )
    try:
        stored = await send_again(client, message, stream)
    except NoStreamResponseError:
        return True, f"kept: NATS has no stream {stream}; try again while `bongsu up` or the reconciler runs"
    except (APIError, MaxPayloadError) as error:
        said = error.description if isinstance(error, APIError) else "it is too large"
        return True, f"kept: {stream} refuses it: {said}"
    # Ended before this, it is sent a second time: no effect is doubled, and none is lost.
    await delete(client, message.sequence)
    done = "had been sent before" if stored.duplicate else "sent again"
    return False, f"{done} to {message.subject} ({stream} {stored.seq}); no longer dead"


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
