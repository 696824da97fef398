"""Findings and verdicts of the doctor's checks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How urgent a finding is.

    Values:
        ok: Nothing to do.
        warning: Something to do soon, or to know about.
        problem: Something to do now: it does not work, or data will be lost.
        unknown: Not known from here.
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
    """It works, with something to know or change."""
    return Finding(check, Verdict.WARNING, found, fix)


def problem(check: str, found: str, fix: str) -> Finding:
    """It must be put right."""
    return Finding(check, Verdict.PROBLEM, found, fix)


def unknown(check: str, found: str, fix: str | None = None) -> Finding:
    """It is not known, which is said rather than guessed."""
    return Finding(check, Verdict.UNKNOWN, found, fix)
