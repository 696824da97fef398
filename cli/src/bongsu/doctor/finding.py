"""What does a check of `bongsu doctor` come to?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Whether somebody has to do something.

    Values:
        ok: Nobody.
        warning: Better soon, or know about it.
        problem: Now: something does not work, or will be lost.
        unknown: It cannot be told from here.
    """

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what was found, and what to do about it, None where nothing."""

    check: str
    verdict: Verdict
    found: str
    fix: str | None = None


def ok(check: str, found: str) -> Finding:
    """All is well."""
    return Finding(check, Verdict.OK, found)


def warning(check: str, found: str, fix: str) -> Finding:
    """It works, and somebody should know or change something."""
    return Finding(check, Verdict.WARNING, found, fix)


def problem(check: str, found: str, fix: str) -> Finding:
    """It must be put right."""
    return Finding(check, Verdict.PROBLEM, found, fix)


def unknown(check: str, found: str, fix: str | None = None) -> Finding:
    """It cannot be told, which is said rather than guessed."""
    return Finding(check, Verdict.UNKNOWN, found, fix)
