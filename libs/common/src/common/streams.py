"""The streams and durable consumers, as declared: only the reconciler makes or changes them on a server.

A stream's subjects are those of its events, and a consumer's name comes from its service and its event.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from nats.js.api import DiscardPolicy, StorageType, StreamConfig

from common.events import EVENTS, CandlesClosed, Event, User, subject_pattern

DAY = 24 * 3600.0
MAX_ACK_PENDING = 64


@dataclass(frozen=True)
class Consumer:
    """A durable pull consumer: the replicas of a service share an event's messages and acknowledge each.

    Attributes:
        service: Whose it is, one of the event's readers.
        ack_wait_seconds: When a message is delivered again that its reader neither acknowledged nor reported
            as in progress.
        patience_seconds: How long its oldest message may take before health reports a fault.
    """

    service: User
    event: type[Event]
    ack_wait_seconds: float
    patience_seconds: float

    @property
    def name(self) -> str:
        """`<service>-<entity>-<fact>`, for instance `collector-candles-closed`."""
        return self.service + re.sub(r"[A-Z]", lambda letter: f"-{letter[0].lower()}", self.event.__name__)

    @property
    def stream(self) -> str:
        """The event's stream."""
        return str(self.event.stream)

    @property
    def subject(self) -> str:
        """Of which messages: all of the event."""
        return subject_pattern(self.event.subject)


# Storing a page twice is harmless, and what a dead process held must be stored within 5 s.
STORE_CANDLES = Consumer("collector", CandlesClosed, ack_wait_seconds=4.0, patience_seconds=10.0)
# A page may wait 30 s for the store, and the decision on it may take 90 s.
# Deciding twice costs a Gemini call: a signaler that only stood still for some seconds keeps its page.
DECIDE_ON_CANDLES = Consumer("signaler", CandlesClosed, ack_wait_seconds=30.0, patience_seconds=130.0)
CONSUMERS = (STORE_CANDLES, DECIDE_ON_CANDLES)

CLAIM_SUBJECT = "job.claimed.{service}.{job_name}.{unix_time}"
DEAD_PREFIX = "dead."
# The streams of what is no event.
CLAIMS = "CLAIMS"
DEAD = "DEAD"


def _stream(
    name: str,
    *subjects: str,
    max_age_days: float,
    max_bytes_mb: int,
    discard: DiscardPolicy,
    duplicate_window_seconds: float = 120,
) -> StreamConfig:
    return StreamConfig(
        name=name,
        subjects=[*subjects, *(subject_pattern(event.subject) for event in EVENTS if event.stream == name)],
        storage=StorageType.FILE,
        discard=discard,
        max_age=max_age_days * DAY,
        max_bytes=max_bytes_mb * 1024 * 1024,
        max_msgs=-1,
        max_msg_size=512 * 1024,
        duplicate_window=duplicate_window_seconds,
    )


# A full MARKET, SIGNALS or DEAD refuses new messages, loudly; JOBS and CONFIG let go of their oldest.
STREAMS = (
    # 250 markets fill 250 MB a day, and three days of history at the start 200 MB.
    _stream("MARKET", max_age_days=7, max_bytes_mb=2048, discard=DiscardPolicy.NEW),
    _stream(
        "SIGNALS",
        max_age_days=30,
        # 250 markets, a signal each an hour, fill 130 MB in 30 days.
        max_bytes_mb=256,
        discard=DiscardPolicy.NEW,
        duplicate_window_seconds=DAY,
    ),
    _stream("CONFIG", max_age_days=30, max_bytes_mb=8, discard=DiscardPolicy.OLD),
    _stream("JOBS", max_age_days=7, max_bytes_mb=64, discard=DiscardPolicy.OLD),
    replace(
        _stream(
            CLAIMS, subject_pattern(CLAIM_SUBJECT), max_age_days=1, max_bytes_mb=64, discard=DiscardPolicy.NEW
        ),
        max_msgs_per_subject=1,
        discard_new_per_subject=True,
    ),
    # A dead letter is the original and the headers that say why; the largest of any stream must fit.
    replace(
        _stream(DEAD, f"{DEAD_PREFIX}>", max_age_days=90, max_bytes_mb=64, discard=DiscardPolicy.NEW),
        max_msg_size=768 * 1024,
    ),
)
