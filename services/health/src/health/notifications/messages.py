"""Notifications: the text that a person reads of a change of the overall state or of a dead letter. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from common.bus.dead_letters import DeadHeader, original_subject
from common.masking import mask_sensitive
from health.domain import clock_time
from health.schemas import HealthSummary, OverallStatus

# Telegram takes 4,096 characters, and a phone shows less.
MAX_CHARACTERS = 1500
FLAWS_SHOWN = 6


@dataclass(frozen=True)
class Notification:
    """One post.

    Attributes:
        status: The overall state that it announces; None for one about dead letters.
        dead_sequence: Up to which sequence in DEAD it reports; None for one about the state.
    """

    text: str
    status: OverallStatus | None = None
    dead_sequence: int | None = None

    @property
    def delivered(self) -> dict[str, object]:
        """The fields of the checkpoint that it changes once it is delivered."""
        return {"status": self.status} if self.status else {"dead_sequence": self.dead_sequence}


def of_change(status: OverallStatus, summary: HealthSummary, before: OverallStatus | None) -> Notification:
    """Return the notification of another state than the one announced before; None where that is not known.

    Args:
        summary: That of this moment, which has another status where the state comes and goes.
    """
    was = f" (was {before})" if before else ""
    on_and_off = "" if summary.status == status else ", on and off"
    lines = [f"Bongsu is {status}{on_and_off}{was}, {clock_time(summary.timestamp)}"]
    lines += [f"- {flaw}" for flaw in summary.flaws[:FLAWS_SHOWN]]
    if (more := len(summary.flaws) - FLAWS_SHOWN) > 0:
        lines.append(f"- and {more} more; GET /health lists them")
    return Notification(_text(lines), status=status)


def of_dead(subject: str, sequence: int, headers: dict[str, str], stored_at: datetime | None) -> Notification:
    """Return the notification of one dead letter."""
    when = f", {clock_time(stored_at)}" if stored_at else ""
    reason = headers.get(DeadHeader.REASON, "no reason given")
    lines = [
        f"Bongsu: dead letter {sequence} of {original_subject(subject)}{when}",
        f"- {reason}",
        f"- bongsu dead show {sequence}",
    ]
    return Notification(_text(lines), dead_sequence=sequence)


def of_many_dead(after: int, last: int) -> Notification:
    """Return one notification of more dead letters than anyone reads one by one."""
    text = f"Bongsu: up to {last - after} dead letters, {after + 1} to {last}\n- bongsu dead list"
    return Notification(text, dead_sequence=last)


def _text(lines: list[str]) -> str:
    return mask_sensitive("\n".join(lines))[:MAX_CHARACTERS]
