"""Dead letters: the messages of DEAD, each with its origin and the reason."""

from __future__ import annotations

from dataclasses import dataclass

from nats.js import JetStreamContext

from common.streams import DEAD_PREFIX
from harness.records import read_messages


@dataclass(frozen=True)
class DeadLetter:
    """One message of DEAD: where it came from, its bytes as they came, and the reason."""

    subject: str
    sequence: int
    body: bytes
    reason: str


async def dead_letters(jetstream: JetStreamContext) -> list[DeadLetter]:
    """Return all that DEAD holds, oldest first, and change nothing."""
    return [
        DeadLetter(
            message.subject.removeprefix(DEAD_PREFIX),
            int((headers := message.headers or {})["Bongsu-Sequence"]),
            message.data,
            headers.get("Bongsu-Reason", ""),
        )
        for message in await read_messages(jetstream, "DEAD")
    ]
