"""What was kept in DEAD, of which message, and why?"""

from __future__ import annotations

from dataclasses import dataclass

from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig

from common.streams import DEAD_PREFIX

AT_ONCE = 500


@dataclass(frozen=True)
class DeadLetter:
    """One message of DEAD: where it came from, its bytes as they came, and the reason."""

    subject: str
    sequence: int
    body: bytes
    reason: str


async def dead_letters(jetstream: JetStreamContext) -> list[DeadLetter]:
    """Return all that DEAD holds, oldest first, and change nothing."""
    reader = await jetstream.pull_subscribe(
        f"{DEAD_PREFIX}>",
        stream="DEAD",
        config=ConsumerConfig(ack_policy=AckPolicy.NONE, mem_storage=True, inactive_threshold=30),
    )
    waiting = (await reader.consumer_info()).num_pending or 0
    letters: list[DeadLetter] = []
    while len(letters) < waiting:
        for message in await reader.fetch(min(AT_ONCE, waiting - len(letters)), timeout=10):
            headers = message.headers or {}
            letters.append(
                DeadLetter(
                    message.subject.removeprefix(DEAD_PREFIX),
                    int(headers["Bongsu-Sequence"]),
                    message.data,
                    headers.get("Bongsu-Reason", ""),
                )
            )
    await reader.unsubscribe()
    return letters
