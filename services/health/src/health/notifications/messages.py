"""What is a person told, and in which words? Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from common.bus.dead_letters import DeadHeader, original_subject
from common.masking import mask_sensitive
from health.domain import clock_time
from health.schemas import HealthSummary, OverallStatus

# Telegram takes 4,096 characters, and a phone shows less.
MAX_CHARACTERS = 1500
FLAWS_TOLD = 6


@dataclass(frozen=True)
class Notice:
    """One post, and what has been told once it is out.

    Attributes:
        status: The overall state that it tells of; None for one about dead messages.
        dead_sequence: Up to which sequence in DEAD it tells; None for one about the state.
        is_correction: It takes back what this instance told while another one told the rest.
    """

    text: str
    status: OverallStatus | None = None
    dead_sequence: int | None = None
    is_correction: bool = False


def of_change(status: OverallStatus, summary: HealthSummary, before: OverallStatus | None) -> Notice:
    """Return the notice of a state that is another than the one told before.

    Args:
        summary: That of this moment, which is another one where the state comes and goes.
    """
    was = f" (was {before})" if before else ""
    on_and_off = "" if summary.status == status else ", on and off"
    lines = [f"Bongsu is {status}{on_and_off}{was}, {clock_time(summary.timestamp)}"]
    lines += [f"- {flaw}" for flaw in summary.flaws[:FLAWS_TOLD]]
    if (more := len(summary.flaws) - FLAWS_TOLD) > 0:
        lines.append(f"- and {more} more; GET /health lists them")
    return Notice(_text(lines), status=status)


def of_return(status: OverallStatus) -> Notice:
    """Return the notice that takes back what an instance of health told while it was cut off."""
    text = f"Bongsu is {status}: what was told before, one health instance saw while it was cut off"
    return Notice(text, status=status, is_correction=True)


def of_dead(subject: str, sequence: int, headers: dict[str, str], stored_at: datetime | None) -> Notice:
    """Return the notice of one dead message."""
    when = f", {clock_time(stored_at)}" if stored_at else ""
    reason = headers.get(DeadHeader.REASON, "no reason given")
    lines = [
        f"Bongsu: dead message {sequence} of {original_subject(subject)}{when}",
        f"- {reason}",
        f"- bongsu dead show {sequence}",
    ]
    return Notice(_text(lines), dead_sequence=sequence)


def of_many_dead(after: int, last: int) -> Notice:
    """Return one notice for more dead messages than anybody wants to read one by one."""
    text = f"Bongsu: up to {last - after} dead messages, {after + 1} to {last}\n- bongsu dead list"
    return Notice(text, dead_sequence=last)


def _text(lines: list[str]) -> str:
    return mask_sensitive("\n".join(lines))[:MAX_CHARACTERS]
