"""Dead letters: the original bytes under `dead.<subject>`, and in headers why they were given up."""

from __future__ import annotations

from enum import StrEnum

from common.streams import DEAD_PREFIX


class DeadHeader(StrEnum):
    """The headers beside the original's bytes; a message put there by hand may lack each."""

    REASON = "Bongsu-Reason"
    CATEGORY = "Bongsu-Category"
    # The durable consumer that gave it up; of two that do, the first is kept.
    CONSUMER = "Bongsu-Consumer"
    # The original's own, in its own stream.
    SEQUENCE = "Bongsu-Sequence"
    DELIVERIES = "Bongsu-Deliveries"


class DeadCategory(StrEnum):
    """The kind of reason, which tells who has to act.

    Values:
        json: The bytes are no JSON.
        schema: They are, and not what the subject promises.
        refused: The handler says that no other try will help.
        failed: The handler failed five times with an error that no adapter classified.
    """

    JSON = "json"
    SCHEMA = "schema"
    REFUSED = "refused"
    FAILED = "failed"


def dead_subject(original: str) -> str:
    """Return where a message of this subject is kept once it is dead."""
    return f"{DEAD_PREFIX}{original}"


def original_subject(dead: str) -> str:
    """Return the subject that a dead letter was sent to."""
    return dead.removeprefix(DEAD_PREFIX)
