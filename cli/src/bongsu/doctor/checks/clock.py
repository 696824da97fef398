"""Clock check: compares this machine's clock with the exchange's and the database's. Pure."""

from __future__ import annotations

from datetime import datetime

from bongsu.doctor.finding import Finding, ok, problem, warning

FEW_SECONDS = 2.0
MANY_SECONDS = 30.0
FIX = "synchronise this machine's clock: timedatectl set-ntp true, or install chrony"


def seconds_ahead(
    theirs: datetime, *, asked: datetime, answered: datetime, resolution_seconds: float = 0
) -> float:
    """Return by how many seconds a clock, read between question and answer, is surely ahead of ours.

    Args:
        resolution_seconds: How much later it may have been than `theirs`, as by the seconds of `Date`.
    """
    if (ahead := (theirs - answered).total_seconds()) > 0:
        return ahead
    return min(0.0, (theirs - asked).total_seconds() + resolution_seconds)


def judge_clock(whose: str, seconds_ahead: float) -> Finding:
    """Judge how far a clock is ahead of ours; behind it where negative."""
    check = f"clock {whose}"
    if abs(seconds_ahead) <= FEW_SECONDS:
        return ok(check, f"within {FEW_SECONDS:.0f} s of ours")
    found = f"{abs(seconds_ahead):.0f} s {'ahead of' if seconds_ahead > 0 else 'behind'} ours"
    judge = problem if abs(seconds_ahead) > MANY_SECONDS else warning
    return judge(check, f"{found}: rate limits, budgets and schedules go by ours", FIX)
