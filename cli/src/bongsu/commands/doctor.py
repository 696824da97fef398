"""`bongsu doctor`: prints the findings of all checks, and what to do about each."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import typer

from bongsu.context import DEFAULT_DATA_DIR, AsJson, DataDir, StackContext, load_context
from bongsu.doctor.finding import Finding, Verdict, problem
from bongsu.doctor.target import OutsideSettings, Target
from bongsu.errors import EXIT_FAILED, UnreachableError
from bongsu.output import print_json, print_table, say
from common.settings import SettingsError, load_settings


def doctor(data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    """Find what would go wrong later, and how to put it right.

    Servers, versions and durability, clocks, keys and models, budget, disk, streams, migrations, settings. It
    changes nothing and costs nothing. Exit code 1 when something must be put right.

    As in: bongsu doctor --json
    """
    findings = _findings(data_dir)
    counts = Counter(finding.verdict for finding in findings)
    if as_json:
        totals = {verdict.value: counts[verdict] for verdict in Verdict}
        print_json({"counts": totals, "findings": [asdict(finding) for finding in findings]})
    else:
        _print(findings, counts)
    if counts[Verdict.PROBLEM]:
        raise typer.Exit(EXIT_FAILED)


def _findings(data_dir: Path) -> list[Finding]:
    # Only now: Upbit's SDK takes a while to import.
    from bongsu.doctor.runner import run_checks

    findings = []
    try:
        stack = load_context(data_dir)
    except UnreachableError as error:
        stack = StackContext({})
        findings.append(problem("stack", str(error), "make run"))
    try:
        settings = load_settings(OutsideSettings, os.environ)
    except SettingsError as error:
        settings = OutsideSettings()
        findings += [problem("environment", text, "correct the variable") for text in error.problems]
    return findings + asyncio.run(run_checks(Target(stack, data_dir, settings)))


def _print(findings: Sequence[Finding], counts: Counter[Verdict]) -> None:
    print_table(
        "What was looked at",
        ("verdict", "check", "found"),
        [(finding.verdict, finding.check, finding.found) for finding in findings],
    )
    fixes = [finding for finding in findings if finding.fix]
    if fixes:
        say("")
        print_table("What to do", ("check", "do"), [(finding.check, finding.fix) for finding in fixes])
    say("")
    say(
        f"{counts[Verdict.PROBLEM]} to be put right, {counts[Verdict.WARNING]} to know about,"
        f" {counts[Verdict.UNKNOWN]} not known"
    )
